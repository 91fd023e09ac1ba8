"""What meets transports runs on both event loops: uvloop, which production uses, and asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Only tests of the tunnel are on transports alone; the others play whole gateways, as tests/e2e does."""
    if item.path.stem == "test_tunnel":
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
