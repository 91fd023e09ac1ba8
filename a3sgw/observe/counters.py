"""Counters of one route and of one entrypoint: plain integers, because a library's counter costs up to 2 µs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from typing import Protocol, TypedDict

from a3sgw.http.message import Request

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets in seconds; one more bucket holds what is longer."""

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE"})
"""Methods with a series of their own; clients choose methods freely, so all others share b"other"."""

UPGRADED_BOUNDS = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 14400.0, 86400.0)
"""The same for connections that have left HTTP, which may stay for days."""

RouteKey = tuple[str, str, str]
"""(entrypoint, router, service)."""


class RouteData(TypedDict):
    """One route's counters as plain data, to send between processes."""

    key: RouteKey
    requests: list[tuple[str, int, int]]
    """(method, status, count)."""
    buckets: list[int]
    seconds: float
    received: int
    sent: int


class UpgradedData(TypedDict):
    """Connections of one router that have left HTTP, as plain data."""

    open: int
    buckets: list[int]
    """Those that have ended, by how long they were open."""
    seconds: float
    received: int
    sent: int


class EntrypointData(TypedDict):
    """One entrypoint's connection counters as plain data."""

    name: str
    open: int
    accepted: int
    refused: dict[str, int]
    upgraded: dict[str, UpgradedData]
    """By router."""


class Finished(Protocol):
    """An exchange that has ended."""

    request: Request
    status: int
    seconds: float
    upstream_seconds: float
    received: int
    sent: int


class RouteMetrics:
    """What one router did on one entrypoint; empty names stand for requests that no route matched."""

    __slots__ = ("buckets", "entrypoint", "received", "requests", "router", "seconds", "sent", "service", "upgraded")

    def __init__(self, entrypoint: str, router: str, service: str) -> None:
        self.entrypoint = entrypoint
        self.router = router
        self.service = service
        self.requests: dict[tuple[bytes, int], int] = {}
        """Count by (method, status)."""
        self.buckets = [0] * (len(BOUNDS) + 1)
        """Not cumulative: each request is in exactly one."""
        self.seconds = 0.0
        self.received = 0
        self.sent = 0
        self.upgraded: dict[bytes, int] = {}
        """Count of those that ended in a tunnel, by method; the others are in `requests`."""

    def observe(self, exchange: Finished) -> None:
        """Count one; takes the whole exchange because unpacking it first would cost as much as the counting."""
        status = exchange.status
        key = (exchange.request.method, status)
        try:
            self.requests[key] += 1
        except KeyError:
            if status == 101:
                self._upgraded(key[0], exchange)
                return
            self._first(key)
        seconds = exchange.seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.received += exchange.received
        self.sent += exchange.sent

    def _upgraded(self, method: bytes, exchange: Finished) -> None:
        """Its request was over with the 101: how long the tunnel lasted, and what went through it, is counted by the
        entrypoint and must not spoil what is known of requests. A key of its own, so that it always comes here."""
        method = method if method in METHODS else b"other"
        self.upgraded[method] = self.upgraded.get(method, 0) + 1
        self.buckets[bisect_left(BOUNDS, exchange.upstream_seconds)] += 1
        self.seconds += exchange.upstream_seconds

    def _first(self, key: tuple[bytes, int]) -> None:
        if key[0] not in METHODS:
            key = (b"other", key[1])
        self.requests[key] = self.requests.get(key, 0) + 1

    @property
    def count(self) -> int:
        """Requests finished so far."""
        return sum(self.buckets)

    def data(self) -> RouteData:
        """A copy as plain data; safe from another thread, because each copy is one step of the interpreter."""
        requests = [
            (method.decode("latin-1"), status, count) for (method, status), count in self.requests.copy().items()
        ] + [(method.decode("latin-1"), 101, count) for method, count in self.upgraded.copy().items()]
        return {
            "key": (self.entrypoint, self.router, self.service),
            "requests": requests,
            "buckets": self.buckets.copy(),
            "seconds": self.seconds,
            "received": self.received,
            "sent": self.sent,
        }

    def add(self, data: RouteData) -> None:
        """Add another process's counters of the same route."""
        for method, status, count in data["requests"]:
            key = (method.encode("latin-1"), status)
            if status == 101:
                self.upgraded[key[0]] = self.upgraded.get(key[0], 0) + count
            else:
                self.requests[key] = self.requests.get(key, 0) + count
        for index, count in enumerate(data["buckets"]):
            self.buckets[index] += count
        self.seconds += data["seconds"]
        self.received += data["received"]
        self.sent += data["sent"]

    def __repr__(self) -> str:
        return f"<RouteMetrics [{self.entrypoint}/{self.router}/{self.service}, {self.count} requests]>"


class EventMetrics:
    """What happened at one service beyond forwarding (retries, ejections …), or what one middleware did other than let
    requests pass, each under a fixed word."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        self.events: dict[str, int] = {}

    def count(self, what: str) -> None:
        """Count one."""
        self.events[what] = self.events.get(what, 0) + 1

    def add(self, events: dict[str, int]) -> None:
        """Add another process's."""
        for what, count in events.items():
            self.events[what] = self.events.get(what, 0) + count


class UpgradedMetrics:
    """Connections of one router that have left HTTP: `open` now, and what is known of those that have ended."""

    __slots__ = ("buckets", "open", "received", "seconds", "sent")

    def __init__(self) -> None:
        self.open = 0
        self.buckets = [0] * (len(UPGRADED_BOUNDS) + 1)
        self.seconds = 0.0
        self.received = 0
        self.sent = 0

    def ended(self, seconds: float, received: int, sent: int) -> None:
        """One less."""
        self.open -= 1
        self.buckets[bisect_left(UPGRADED_BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.received += received
        self.sent += sent

    def data(self) -> UpgradedData:
        """A copy as plain data."""
        return {
            "open": self.open,
            "buckets": self.buckets.copy(),
            "seconds": self.seconds,
            "received": self.received,
            "sent": self.sent,
        }

    def add(self, data: UpgradedData) -> None:
        """Add another process's."""
        self.open += data["open"]
        for index, count in enumerate(data["buckets"]):
            self.buckets[index] += count
        self.seconds += data["seconds"]
        self.received += data["received"]
        self.sent += data["sent"]


class EntrypointMetrics:
    """Connections of one entrypoint: `open` now, `accepted` ever, `refused` by reason."""

    __slots__ = ("accepted", "name", "open", "refused", "routers")

    def __init__(self, name: str) -> None:
        self.name = name
        self.open = 0
        self.accepted = 0
        self.refused: dict[str, int] = {}
        self.routers: dict[str, UpgradedMetrics] = {}
        """Connections that have left HTTP, by router."""

    def opened(self) -> None:
        """A connection was accepted and is served."""
        self.open += 1
        self.accepted += 1

    def closed(self) -> None:
        """A connection counted by `opened` is gone."""
        self.open -= 1

    def refuse(self, reason: str) -> None:
        """A connection was turned away; `reason` is one of a few fixed words, never client input."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def upgraded(self, router: str) -> None:
        """A connection has left HTTP."""
        self.routers.setdefault(router, UpgradedMetrics()).open += 1

    def tunnel_ended(self, router: str, seconds: float, received: int, sent: int) -> None:
        """One counted by `upgraded` has ended."""
        self.routers.setdefault(router, UpgradedMetrics()).ended(seconds, received, sent)

    def forget(self, keep: Collection[str]) -> None:
        """Drop routers outside `keep` that have no connection any more."""
        for router in [name for name, one in self.routers.items() if name not in keep and not one.open]:
            del self.routers[router]

    def data(self) -> EntrypointData:
        """A copy as plain data."""
        return {
            "name": self.name,
            "open": self.open,
            "accepted": self.accepted,
            "refused": self.refused.copy(),
            "upgraded": {router: one.data() for router, one in self.routers.copy().items()},
        }

    def add(self, data: EntrypointData) -> None:
        """Add another process's counters of the same entrypoint."""
        self.open += data["open"]
        self.accepted += data["accepted"]
        for reason, count in data["refused"].items():
            self.refused[reason] = self.refused.get(reason, 0) + count
        for router, upgraded in data["upgraded"].items():
            self.routers.setdefault(router, UpgradedMetrics()).add(upgraded)

    def __repr__(self) -> str:
        return f"<EntrypointMetrics [{self.name}, {self.open} open, {self.accepted} accepted]>"
