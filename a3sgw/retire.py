"""What a reload has replaced: it is let go of once the last exchange that began before has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from a3sgw.proxy.gate import Connection
from a3sgw.routing.route import Route

_LOOK = 0.1
"""Seconds between looks at what still runs."""

Close = Callable[[], Awaitable[object]]


async def retire(running: Iterable[tuple[Connection, Route]], close: Sequence[Close]) -> None:
    """Wait until each connection has left its route, then call each of `close`; at once when cancelled.

    `running` are the exchanges on routes that are no longer in use at the swap. No new one begins on such a route, so
    what has to be looked at only becomes less.
    """
    try:
        running = _still(running)
        while running:
            await asyncio.sleep(_LOOK)
            running = _still(running)
    finally:
        for one in close:
            await one()


def _still(running: Iterable[tuple[Connection, Route]]) -> list[tuple[Connection, Route]]:
    return [(connection, route) for connection, route in running if connection.route is route]
