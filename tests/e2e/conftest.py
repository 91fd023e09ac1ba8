"""Every end-to-end test runs on both event loops: uvloop, which production uses, and asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops under the gateway and the test."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
