"""Counters of routes and entrypoints."""

from __future__ import annotations

from bisect import bisect_left

import pytest

from a3sgw.observe.counters import BOUNDS, UPGRADED_BOUNDS, EntrypointMetrics, RouteMetrics
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
    assert web.data() == {"name": "web", "open": 1, "accepted": 2, "refused": {"limit": 2}, "upgraded": {}}


def test_what_left_http_does_not_spoil_what_is_known_of_requests() -> None:
    """A tunnel of an hour counts as one request that took as long as its 101, and its bytes are no bodies."""
    route, copy = RouteMetrics("web", "api", "backend"), RouteMetrics("web", "api", "backend")
    for _ in range(2):
        ended = done(b"GET", 101, 3600.0, 5, 7)
        ended.upstream_seconds = 0.25
        route.observe(ended)
    assert (route.count, route.seconds, route.received, route.sent) == (2, 0.5, 0, 0)
    assert route.requests == {}
    assert route.data()["requests"] == [("GET", 101, 2)]
    copy.add(route.data())
    assert copy.data() == route.data()


def test_connections_that_left_http() -> None:
    """Open ones by router, and of those that have ended how long they were open and what went through; a router that
    is gone is forgotten once it has none."""
    web = EntrypointMetrics("web")
    web.upgraded("chat")
    web.upgraded("chat")
    web.tunnel_ended("chat", 90.0, 5, 7)
    [(router, data)] = web.data()["upgraded"].items()
    assert (router, data["open"], data["seconds"], data["received"], data["sent"]) == ("chat", 1, 90.0, 5, 7)
    assert sum(data["buckets"]) == 1
    assert data["buckets"][bisect_left(UPGRADED_BOUNDS, 90.0)] == 1
    copy = EntrypointMetrics("web")
    copy.add(web.data())
    copy.add(web.data())
    assert copy.data()["upgraded"]["chat"]["open"] == 2
    web.forget(["other"])
    assert "chat" in web.data()["upgraded"]
    web.tunnel_ended("chat", 1.0, 0, 0)
    web.forget(["chat"])
    assert "chat" in web.data()["upgraded"]
    web.forget(["other"])
    assert web.data()["upgraded"] == {}


def test_repr_says_what_it_counts() -> None:
    """The representation names the route and its requests."""
    assert repr(RouteMetrics("web", "api", "backend")) == "<RouteMetrics [web/api/backend, 0 requests]>"
    assert repr(EntrypointMetrics("web")) == "<EntrypointMetrics [web, 0 open, 0 accepted]>"
