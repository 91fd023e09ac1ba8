"""Tests use the event loop that production uses; there is an origin that always answers, and one that tests play."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest_asyncio
import uvloop

from tests.support.origin import Origin


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop under the test."""
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[Origin]:
    """Answers every request with 200."""
    async with Origin() as one:
        one.always()
        yield one


@pytest_asyncio.fixture
async def slow() -> AsyncIterator[Origin]:
    """Answers when the test says so."""
    async with Origin() as one:
        yield one
