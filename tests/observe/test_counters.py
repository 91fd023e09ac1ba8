"""Counters of routes and entrypoints."""

from __future__ import annotations

import pytest

from a3sgw.observe.counters import BOUNDS, EntrypointMetrics, RouteMetrics
from tests.support.done import done


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.005, 0), (0.0051, 1), (1.0, 7), (10.0, 10), (10.1, 11), (3600.0, 11)]
)
def test_bucket(seconds: float, bucket: int) -> None:
    """A duration lands in the first bucket whose bound is not below it, as Prometheus' `le` demands."""
    route = RouteMetrics("web", "api", "backend")
    route.observe(done(b"GET", 200, seconds, 0, 0))
    assert [index for index, count in enumerate(route.buckets) if count] == [bucket]
    assert len(route.buckets) == len(BOUNDS) + 1


def test_sums() -> None:
    """Requests are counted by method and status; bytes and seconds add up."""
    route = RouteMetrics("web", "api", "backend")
    route.observe(done(b"GET", 200, 0.5, 1, 10))
    route.observe(done(b"GET", 200, 0.25, 2, 20))
    route.observe(done(b"POST", 502, 0.25, 3, 30))
    assert route.requests == {(b"GET", 200): 2, (b"POST", 502): 1}
    assert (route.count, route.seconds, route.received, route.sent) == (3, 1.0, 6, 60)


def test_unknown_methods_share_one_series() -> None:
    """A client cannot create series by inventing methods."""
    route = RouteMetrics("web", "", "")
    for number in range(100):
        route.observe(done(b"M%d" % number, 200, 0.0, 0, 0))
    assert route.requests == {(b"other", 200): 100}


def test_route_data_round_trip() -> None:
    """Counters sent as plain data and added elsewhere are the same counters; added twice they are double."""
    source, copy = RouteMetrics("web", "api", "backend"), RouteMetrics("web", "api", "backend")
    source.observe(done(b"GET", 200, 0.3, 5, 7))
    source.observe(done(b"BREW", 418, 30.0, 1, 1))
    copy.add(source.data())
    assert copy.data() == source.data()
    copy.add(source.data())
    assert copy.requests == {(b"GET", 200): 2, (b"other", 418): 2}
    assert copy.count == 4


def test_entrypoint_connections() -> None:
    """Open connections go up and down, accepted ones only up, refused ones have a reason."""
    web = EntrypointMetrics("web")
    web.opened()
    web.opened()
    web.closed()
    web.refuse("limit")
    web.refuse("limit")
    assert web.data() == {"name": "web", "open": 1, "accepted": 2, "refused": {"limit": 2}}


def test_repr_says_what_it_counts() -> None:
    """The representation names the route and its requests."""
    assert repr(RouteMetrics("web", "api", "backend")) == "<RouteMetrics [web/api/backend, 0 requests]>"
    assert repr(EntrypointMetrics("web")) == "<EntrypointMetrics [web, 0 open, 0 accepted]>"
