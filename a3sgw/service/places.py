"""How many requests each endpoint of a service gets at once, and who waits for their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import random
from time import monotonic
from typing import Protocol

from a3sgw.upstream.endpoint import Endpoint

_POLL = 0.005
"""Seconds between two looks at whether another process has left a place."""


class Counts(Protocol):
    """What is needed of the table that all processes share."""

    def acquire(self, key: bytes, limit: int) -> bool:
        """Count one unless all processes together hold `limit`; 0 is no limit."""
        ...

    def release(self, key: bytes) -> None:
        """One less."""
        ...

    def held(self, key: bytes) -> int:
        """By all processes."""
        ...


class Waiting:
    """A request that waits: `ready` takes a place and goes on if there is one, `late` is told when it took too long."""

    __slots__ = ("began", "endpoint", "late", "ready", "timer")

    def __init__(self, endpoint: Endpoint | None, ready: Callable[[], bool], late: Callable[[], None]) -> None:
        self.endpoint = endpoint
        """The one it waits for; None when any will do."""
        self.ready = ready
        self.late = late
        self.began = monotonic()
        self.timer: asyncio.TimerHandle | None = None


class Places:
    """`limit` at each endpoint, for all processes together; at most `size` requests of this one wait, first come first
    served. Where several processes have some waiting, a place that becomes free goes to each by its share of them."""

    def __init__(self, service: str, limit: int, size: int, timeout: float, table: Counts) -> None:
        self._table = table
        self._prefix = b"endpoint\0%b\0" % service.encode()
        self._waiting_key = b"waiting\0%b" % service.encode()
        self._limit = limit
        self._size = size
        self._timeout = timeout
        self._queues: dict[Endpoint | None, deque[Waiting]] = {}
        """Those that wait, by what for; none is empty. One that waits for its own endpoint holds up nobody else."""
        self._count = 0
        self._poll: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Places [{self._limit} each, {self._count} waiting]>"

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    @property
    def has_waiting(self) -> bool:
        """Whether somebody waits for any endpoint: then newcomers do not overtake."""
        return None in self._queues

    def take(self, endpoint: Endpoint) -> bool:
        """Whether there was a place at this endpoint; it is taken then. 3 µs."""
        return self._table.acquire(self._prefix + endpoint.url.encode(), self._limit)

    def give(self, endpoint: Endpoint) -> None:
        """It is free again; the first who waits may have it."""
        self._table.release(self._prefix + endpoint.url.encode())
        if self._count:
            others = self._table.held(self._waiting_key) - self._count
            if others <= 0 or random() * (others + self._count) >= others:  # noqa: S311 -- a lot
                asyncio.get_running_loop().call_soon(self.serve)

    def wait(self, endpoint: Endpoint | None, ready: Callable[[], bool], late: Callable[[], None]) -> Waiting | None:
        """Join the queue; None when it is full."""
        if self._count >= self._size:
            return None
        waiting = Waiting(endpoint, ready, late)
        loop = asyncio.get_running_loop()
        waiting.timer = loop.call_later(self._timeout, self._give_up, waiting)
        self._queues.setdefault(endpoint, deque()).append(waiting)
        self._count += 1
        self._table.acquire(self._waiting_key, 0)
        if self._poll is None:
            self._poll = loop.call_later(_POLL, self._look)
        return waiting

    def leave(self, waiting: Waiting) -> None:
        """It waits no more; fine if it does not."""
        queue = self._queues.get(waiting.endpoint, ())
        if waiting in queue:
            self._queues[waiting.endpoint].remove(waiting)
            self._count -= 1
            self._table.release(self._waiting_key)
            if not self._queues[waiting.endpoint]:
                del self._queues[waiting.endpoint]
        if waiting.timer is not None:
            waiting.timer.cancel()

    def serve(self) -> None:
        """Those in front take what there is, the one that has waited longest first."""
        for queue in sorted(self._queues.values(), key=lambda queue: queue[0].began):
            while queue and queue[0].ready():
                pass

    def _give_up(self, waiting: Waiting) -> None:
        self.leave(waiting)
        waiting.late()

    def _look(self) -> None:
        self._poll = None
        if self._count:
            self._poll = asyncio.get_running_loop().call_later(_POLL, self._look)
            self.serve()
