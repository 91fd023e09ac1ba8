"""Time is a number: one sweep per worker closes what is overdue, so no request ever needs a timer of its own."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol

TICK = 0.1
"""Seconds between sweeps. `now` may be that old when a deadline is set, and a sweep that late when it has passed, so a
timeout fires between its value and two ticks later: sweeps compare with `now` less one tick."""
NEVER = math.inf


class Timed(Protocol):
    """What the sweeper watches: a connection with a deadline."""

    deadline: float
    """On the loop's clock, in seconds; NEVER when nothing is awaited."""

    def overdue(self) -> None:
        """The deadline has passed; either close, or set a new one."""


class Sweeper:
    """Watches connections; `now` is the loop's time at the last sweep, for those who set deadlines."""

    def __init__(self) -> None:
        self.now = 0.0
        self._watched: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin sweeping on the running loop; a second call changes nothing."""
        if self._timer is None:
            self._sweep()

    def stop(self) -> None:
        """Stop sweeping; nothing becomes overdue any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watch(self, connection: Timed) -> None:
        """Look at this connection's deadline from now on."""
        self._watched.add(connection)

    def forget(self, connection: Timed) -> None:
        """Never look at it again; unknown ones are fine."""
        self._watched.discard(connection)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self.now = now = loop.time()
        self._timer = loop.call_later(TICK, self._sweep)
        due = now - TICK
        for connection in [one for one in self._watched if one.deadline < due]:
            connection.overdue()
