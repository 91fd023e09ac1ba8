"""What a worker tells of itself: a heartbeat, and the counters that have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from a3sgw.control.messages import Counters, Heartbeat, Message
from a3sgw.data_plane import DataPlane
from a3sgw.observe.counters import RouteData, RouteKey
from a3sgw.steps import Steps, take_turns
from a3sgw.tasks import spawn

BEAT = 0.2
"""Seconds between heartbeats."""
_BEATS_PER_REPORT = 10
"""A worker that is killed takes the counts of at most this many beats with it."""
_PIECE = 200
"""Routes per message: encoding them takes less than a millisecond."""


class Reports:
    """Sends both from `start` on."""

    def __init__(self, plane: DataPlane, send: Callable[[Message], None]) -> None:
        self._plane = plane
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._beats = 0
        self._told: dict[RouteKey, int] = {}
        self._reporting: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._beat()

    def stop(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._reporting is not None:
            self._reporting.cancel()

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)
        self._send(Heartbeat(sum(len(one.gate.connections) for one in self._plane.entrypoints.values())))
        self._beats += 1
        if self._beats % _BEATS_PER_REPORT == 0 and (self._reporting is None or self._reporting.done()):
            self._reporting = spawn(self.report(), "report counters")

    async def report(self, token: int = 0) -> None:
        """Tell what has changed since the last report; `token` is that of the question, if there was one."""
        async with self._one_at_a_time:  # or an older count might be told after a newer one
            changed, told = await take_turns(self._changes())
            for start in range(0, len(changed), _PIECE):
                self._send(Counters(0, {**self._plane.metrics.totals(), "routes": changed[start : start + _PIECE]}, {}))
                await asyncio.sleep(0)
            self._send(Counters(token, self._plane.metrics.totals(), self._plane.in_flight()))
            self._told = told  # not sooner: a report that is cancelled is made good by the next one

    def _changes(self) -> Steps[tuple[list[RouteData], dict[RouteKey, int]]]:
        """What has counted something since the last report, and all counts, without those of routes that are gone and
        may come back with others; in short steps, because there may be thousands of routes."""
        changed = []
        told: dict[RouteKey, int] = {}
        for key, route in self._plane.metrics.counted():
            count = told[key] = route.count
            if self._told.get(key) != count:
                changed.append(route.data())
            yield
        return changed, told
