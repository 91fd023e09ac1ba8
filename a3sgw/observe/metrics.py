"""All counters of one process, by name: they outlive configurations and add up across workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypedDict

from a3sgw.observe.counters import EntrypointData, EntrypointMetrics, EventMetrics, RouteData, RouteKey, RouteMetrics
from a3sgw.observe.datagrams import DatagramData, DatagramMetrics
from a3sgw.observe.tcp import TcpData, TcpMetrics

__all__ = ["EntrypointMetrics", "EventMetrics", "Metrics", "MetricsData", "RouteMetrics"]


class MetricsData(TypedDict):
    """All counters of one process as plain data: strings, numbers, lists and dictionaries only."""

    routes: list[RouteData]
    entrypoints: list[EntrypointData]
    reloads: dict[str, int]
    last_reload_success: bool
    last_reload_time: float
    access_log_lost: int
    table: dict[str, int]
    """What happened at the shared table: how often, by what."""
    services: dict[str, dict[str, int]]
    """What happened at services, by name: how often, by what."""
    middlewares: dict[str, dict[str, int]]
    """What middlewares did other than let requests pass, by name: how often, by what."""
    tcp: list[TcpData]
    datagrams: list[DatagramData]
    certificates: list[tuple[str, str, float]]
    """(entrypoint, name, when it expires in seconds since the epoch) of each certificate that TLS is ended with."""


def ended(data: MetricsData) -> MetricsData:
    """What stays of a process that has ended: what it has counted, and nothing of what was open in it."""
    entrypoints: list[EntrypointData] = [
        {
            **one,
            "open": 0,
            "upgraded": {router: {**upgraded, "open": 0} for router, upgraded in one["upgraded"].items()},
        }
        for one in data["entrypoints"]
    ]
    tcp: list[TcpData] = [{**route, "open": 0} for route in data["tcp"]]
    datagrams: list[DatagramData] = [{**udp, "open": 0} for udp in data["datagrams"]]
    return {**data, "entrypoints": entrypoints, "tcp": tcp, "datagrams": datagrams, "certificates": []}


class Metrics:
    """All counters of one process; they outlive every snapshot, so a reload never sets a counter back."""

    def __init__(self, table: Callable[[], dict[str, int]] = dict) -> None:
        """`table` says what this process has seen at the shared table so far."""
        self._own_table = table
        self._other_tables: dict[str, int] = {}
        self._routes: dict[RouteKey, RouteMetrics] = {}
        self._entrypoints: dict[str, EntrypointMetrics] = {}
        self._services: dict[str, EventMetrics] = {}
        self._middlewares: dict[str, EventMetrics] = {}
        self._tcp: dict[RouteKey, TcpMetrics] = {}
        self._datagrams: dict[RouteKey, DatagramMetrics] = {}
        self._other_certificates: set[tuple[str, str, float]] = set()
        self.certificates: Callable[[], Iterable[tuple[str, str, float]]] = tuple
        """What this process ends TLS with, as in `MetricsData`."""
        self._idle_since: dict[RouteKey, int] = {}
        self.reloads = {"success": 0, "failure": 0}
        self.last_reload_success = True
        self.last_reload_time = 0.0
        """Wall clock in seconds since the epoch of the last reload that succeeded; 0 before the first."""
        self.access_log_lost = 0
        """Access log lines that could not be written (stalled or failing output)."""

    # Counting...

    def route(self, entrypoint: str, router: str = "", service: str = "") -> RouteMetrics:
        """The counters of these names: the same object for the same names, across reloads."""
        key = (entrypoint, router, service)
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = RouteMetrics(*key)
        return found

    def entrypoint(self, name: str) -> EntrypointMetrics:
        """The connection counters of the entrypoint `name`: the same object for the same name."""
        found = self._entrypoints.get(name)
        if found is None:
            found = self._entrypoints[name] = EntrypointMetrics(name)
        return found

    def datagrams(self, entrypoint: str, router: str = "", service: str = "") -> DatagramMetrics:
        """The UDP counters of these names: the same object for the same names."""
        key = (entrypoint, router, service)
        return self._datagrams.setdefault(key, DatagramMetrics(*key))

    def service(self, name: str) -> EventMetrics:
        """The events of the service `name`: the same object for the same name."""
        return self._services.setdefault(name, EventMetrics())

    def middleware(self, name: str) -> EventMetrics:
        """The events of the middleware `name`: the same object for the same name."""
        return self._middlewares.setdefault(name, EventMetrics())

    def tcp(self, entrypoint: str, router: str, service: str) -> TcpMetrics:
        """The TCP connections of these names: the same object for the same names, across reloads."""
        key = (entrypoint, router, service)
        found = self._tcp.get(key)
        if found is None:
            found = self._tcp[key] = TcpMetrics(key)
        return found

    def reloaded(self, success: bool, now: float) -> None:
        """Count a reload; `now` is the wall clock in seconds since the epoch."""
        self.reloads["success" if success else "failure"] += 1
        self.last_reload_success = success
        if success:
            self.last_reload_time = now

    def lose(self, lines: int) -> None:
        """Count `lines` of the access log as lost."""
        self.access_log_lost += lines

    def forget(self, keep: Iterable[RouteKey]) -> int:
        """Drop routes outside `keep` that counted nothing since the previous call; return how many.

        A route that left the configuration may still carry running requests, which count when they end: so it goes
        only after a whole period without one.
        """
        kept = set(keep)
        routers = {router for _, router, _ in kept}
        for entrypoint in self._entrypoints.values():
            entrypoint.forget(routers)
        for key in [key for key, one in self._datagrams.items() if key not in kept and not one.open]:
            del self._datagrams[key]
        gone = self._routes.keys() - kept
        counts = {key: self._routes[key].count for key in gone}
        idle = [key for key, count in counts.items() if self._idle_since.get(key) == count]
        for key in idle:
            del self._routes[key], counts[key]
        self._idle_since = counts
        for key in [key for key, one in self._tcp.items() if key not in kept and not one.open]:
            del self._tcp[key]
        return len(idle)

    # Between processes...

    def snapshot(self) -> MetricsData:
        """A copy of everything as plain data; may be called from another thread while requests are counted."""
        return {**self.totals(), "routes": [route.data() for _, route in self.counted() if route.count]}

    def counted(self) -> list[tuple[RouteKey, RouteMetrics]]:
        """Every route and its counters."""
        return list(self._routes.items())

    def totals(self) -> MetricsData:
        """The same as `snapshot`, without the routes."""
        return {
            "routes": [],
            "entrypoints": [entrypoint.data() for entrypoint in list(self._entrypoints.values())],
            "reloads": self.reloads.copy(),
            "last_reload_success": self.last_reload_success,
            "last_reload_time": self.last_reload_time,
            "access_log_lost": self.access_log_lost,
            "table": _sum(self._own_table(), self._other_tables),
            "services": _events(self._services),
            "middlewares": _events(self._middlewares),
            "certificates": sorted({*self.certificates(), *self._other_certificates}),
            "tcp": [one.data() for one in list(self._tcp.values())],
            "datagrams": [one.data() for one in list(self._datagrams.values()) if one.is_used],
        }

    def merge(self, data: MetricsData) -> None:
        """Add another process's snapshot; the last reload was a success if it was one everywhere."""
        for route in data["routes"]:
            self.route(*route["key"]).add(route)
        for entrypoint in data["entrypoints"]:
            self.entrypoint(entrypoint["name"]).add(entrypoint)
        for result, count in data["reloads"].items():
            self.reloads[result] = self.reloads.get(result, 0) + count
        self.last_reload_success = self.last_reload_success and data["last_reload_success"]
        self.last_reload_time = max(self.last_reload_time, data["last_reload_time"])
        self.access_log_lost += data["access_log_lost"]
        self._other_tables = _sum(self._other_tables, data["table"])
        for name, events in data["services"].items():
            self.service(name).add(events)
        for name, events in data["middlewares"].items():
            self.middleware(name).add(events)
        self._other_certificates.update((entrypoint, name, at) for entrypoint, name, at in data["certificates"])
        for connections in data["tcp"]:
            self.tcp(*connections["key"]).add(connections)
        for one in data["datagrams"]:
            self.datagrams(*one["key"]).add(one)


def _events(named: dict[str, EventMetrics]) -> dict[str, dict[str, int]]:
    return {name: one.events.copy() for name, one in list(named.items()) if one.events}


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
