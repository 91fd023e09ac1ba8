"""Tests run on the event loop of the processes, and on that of many programs that embed a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
import uvloop

from a3sgw.resolver import Resolver
from tests.probes.endpoint import Endpoint
from tests.probes.inbox import Inbox
from tests.support.dns import NameServer


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops under the test."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    """A name server that knows nothing yet."""
    made = NameServer()
    yield made
    made.close()


@pytest.fixture
async def resolver(server: NameServer) -> AsyncIterator[Resolver]:
    """One that asks that server, and does not ask twice."""
    made = Resolver([await server.open()], timeout=0.3, tries=1)
    yield made
    await made.close()


@pytest.fixture
def inbox() -> Inbox:
    """Where pushed messages arrive."""
    return Inbox()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """One that is well."""
    made = Endpoint()
    await made.open()
    yield made
    await made.end()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whoever signs the certificates of endpoints."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
