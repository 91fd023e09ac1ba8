"""Tests run on the event loop of the processes, and on that of many programs that embed a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops under the test."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
