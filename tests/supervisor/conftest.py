"""Tests use the event loop that production uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop under the test."""
    return {"uvloop": uvloop.new_event_loop}
