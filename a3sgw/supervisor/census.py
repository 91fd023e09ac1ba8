"""The counters of all workers, those that have ended included, as one: a replacement sets nothing back."""

from __future__ import annotations

from collections.abc import Iterable

from a3sgw.control.messages import Counters
from a3sgw.observe.counters import RouteData, RouteKey
from a3sgw.observe.metrics import Metrics, MetricsData, ended


class _Reported:
    """The newest a living worker has said."""

    def __init__(self) -> None:
        self.routes: dict[RouteKey, RouteData] = {}
        self.fresh: set[RouteKey] = set()
        """Routes reported since the last call of `forget`."""
        self.totals: MetricsData | None = None
        self.in_flight: dict[str, dict[str, int]] = {}

    def data(self) -> MetricsData | None:
        if self.totals is None:
            return None
        return {**self.totals, "routes": list(self.routes.values())}


class Census:
    """Workers are known by their number in the shared table, which is never used twice."""

    def __init__(self) -> None:
        self._living: dict[int, _Reported] = {}
        self._ended = Metrics()

    def report(self, owner: int, message: Counters) -> None:
        """Take a report: counters are totals since the worker's start, for routes that have changed."""
        known = self._living.setdefault(owner, _Reported())
        for route in message.data["routes"]:
            known.routes[route["key"]] = route
            known.fresh.add(route["key"])
        known.totals = message.data
        known.in_flight = message.in_flight

    def bury(self, owner: int) -> None:
        """A worker has ended: what it counted stays, its connections are gone."""
        data = self._living.pop(owner, _Reported()).data()
        if data is not None:
            self._ended.merge(ended(data))

    def total(self, own: Metrics) -> Metrics:
        """Everything added up, with the reloads that the control plane counts in `own`."""
        total = Metrics()
        total.merge(self._ended.snapshot())
        for known in self._living.values():
            data = known.data()
            if data is not None:
                total.merge(data)
        total.reloads = dict(own.reloads)
        total.last_reload_success = own.last_reload_success
        total.last_reload_time = own.last_reload_time
        return total

    def connections(self) -> dict[str, int]:
        """Connections open now, by entrypoint."""
        sums: dict[str, int] = {}
        for known in self._living.values():
            for one in known.totals["entrypoints"] if known.totals is not None else ():
                sums[one["name"]] = sums.get(one["name"], 0) + one["open"]
        return sums

    def all_in_flight(self) -> dict[str, dict[str, int]]:
        """Requests at each endpoint now, by service and URL."""
        return {name: self.in_flight(name) for known in self._living.values() for name in known.in_flight}

    def in_flight(self, service: str) -> dict[str, int]:
        """Requests at each endpoint of a service now, by URL; without those where there are none."""
        sums: dict[str, int] = {}
        for known in self._living.values():
            for url, count in known.in_flight.get(service, {}).items():
                sums[url] = sums.get(url, 0) + count
        return sums

    def forget(self, keep: Iterable[RouteKey]) -> None:
        """Drop routes outside `keep` that nobody has reported anything about since the previous call."""
        kept = set(keep)
        self._ended.forget(kept)
        for known in self._living.values():
            for key in known.routes.keys() - kept - known.fresh:
                del known.routes[key]
            known.fresh.clear()
