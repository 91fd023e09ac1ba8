"""What the tests of probes share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from a3sgw.resolver import Resolver
from tests.probes.inbox import Inbox
from tests.support.dns import NameServer


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
