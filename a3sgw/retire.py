"""What a reload has replaced: it is let go of once the last exchange that began before has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from a3sgw.proxy.gate import Connection
from a3sgw.routing.route import Route
from a3sgw.steps import Steps, take_turns

_LOOK = 0.1
"""Seconds between looks at what still runs."""

Close = Callable[[], Awaitable[object]]


def _emptied(routes: set[Route]) -> Steps[None]:
    while routes:
        routes.pop()
        yield


async def retire(routes: set[Route], connections: Iterable[Connection], close: Sequence[Close]) -> None:
    """Wait until none of `connections` runs an exchange on `routes`, then call each of `close`; at once when cancelled.

    `routes` is emptied: letting go of thousands at once would hold up the traffic.

    Start it right after the swap: no new exchange begins on a route that was replaced, so what has to be looked at only
    becomes less.
    """
    running = [one for one in connections if one.route in routes]
    try:
        while running:
            await asyncio.sleep(_LOOK)
            running = [one for one in running if one.route in routes]
        await take_turns(_emptied(routes))
    finally:
        for one in close:
            await one()
