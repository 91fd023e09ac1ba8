"""The counters of all workers as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a3sgw.control.messages import Counters
from a3sgw.observe.counters import RouteKey, RouteMetrics
from a3sgw.observe.metrics import Metrics
from a3sgw.supervisor.census import Census
from tests.support.done import done

API: RouteKey = ("web", "api", "s")
SHOP: RouteKey = ("web", "shop", "s")


class Worker:
    """Counts, and reports as a worker does: totals since its start, of routes that have changed."""

    def __init__(self, census: Census, owner: int) -> None:
        self.census = census
        self.owner = owner
        self.metrics = Metrics()
        self.entrypoint = self.metrics.entrypoint("web")
        self._told: dict[RouteKey, int] = {}

    def serve(self, key: RouteKey, times: int = 1) -> None:
        """Requests with 2 body bytes each way."""
        for _ in range(times):
            self.metrics.route(*key).observe(done(b"GET", 200, 0.5, 2, 2))

    def report(self, in_flight: dict[str, dict[str, int]] | None = None) -> None:
        """Only what has changed."""
        routes = []
        for key, route in self.metrics.counted():
            if self._told.get(key) != route.count:
                self._told[key] = route.count
                routes.append(route.data())
        self.census.report(self.owner, Counters(0, {**self.metrics.totals(), "routes": routes}, in_flight or {}))


def route(census: Census, key: RouteKey) -> RouteMetrics:
    """The sum over all workers."""
    return census.total(Metrics()).route(*key)


def test_workers_add_up() -> None:
    """Every number of every worker counts once, however often it is reported."""
    census = Census()
    one, two = Worker(census, 1), Worker(census, 2)
    one.serve(API, 3)
    two.serve(API, 4)
    two.serve(SHOP)
    two.metrics.lose(5)
    for worker in (one, two, one, two):
        worker.report()
    assert route(census, API).requests == {(b"GET", 200): 7}
    assert (route(census, API).seconds, route(census, API).received, route(census, API).sent) == (3.5, 14, 14)
    assert route(census, SHOP).count == 1
    assert census.total(Metrics()).access_log_lost == 5


def test_connections() -> None:
    """Open ones are those of living workers, accepted and refused ones those of all that ever were."""
    census = Census()
    one, two = Worker(census, 1), Worker(census, 2)
    for worker, connections in ((one, 3), (two, 2)):
        for _ in range(connections):
            worker.entrypoint.opened()
        worker.entrypoint.refuse("limit")
        worker.report()
    assert census.connections() == {"web": 5}
    census.bury(1)
    assert census.connections() == {"web": 2}
    total = census.total(Metrics()).entrypoint("web")
    assert (total.open, total.accepted, total.refused) == (2, 5, {"limit": 2})


def test_a_replacement_sets_nothing_back() -> None:
    """What a worker has counted stays when it has ended, and its successor begins at nothing."""
    census = Census()
    first = Worker(census, 1)
    first.serve(API, 3)
    first.report()
    census.bury(1)
    assert route(census, API).count == 3
    second = Worker(census, 2)
    second.serve(API, 2)
    second.report()
    assert route(census, API).count == 5
    census.bury(2)
    census.bury(2)
    assert route(census, API).count == 5


def test_what_was_open_in_a_worker_ends_with_it() -> None:
    """Connections of every kind are gone, and so are its certificates; what they have counted stays."""
    metrics = Metrics()
    metrics.entrypoint("web").upgraded("chat")
    for _ in range(2):
        metrics.tcp("db", "all", "s").opened()
    metrics.tcp("db", "all", "s").over("idle", 1.0, 10, 20)
    metrics.datagrams("dns", "all", "s").begin()
    metrics.certificates = lambda: [("web", "a.example", 1.5)]
    census = Census()
    census.report(1, Counters(0, metrics.snapshot(), {}))
    assert census.total(Metrics()).snapshot()["certificates"] == [("web", "a.example", 1.5)]
    census.bury(1)
    found = census.total(Metrics()).snapshot()
    assert [one["open"] for one in (*found["tcp"], *found["datagrams"])] == [0, 0]
    assert [one["upgraded"]["chat"]["open"] for one in found["entrypoints"]] == [0]
    assert (found["tcp"][0]["received"], found["certificates"]) == (10, [])


def test_a_worker_that_never_reported() -> None:
    """Is buried without a trace."""
    census = Census()
    census.bury(7)
    assert census.total(Metrics()).snapshot() == Metrics().snapshot()


def test_reloads_are_those_of_the_control_plane() -> None:
    """Workers do not load configurations, so nothing they say about it counts."""
    census = Census()
    worker = Worker(census, 1)
    worker.metrics.reloaded(False, 5.0)
    worker.report()
    census.bury(1)
    own = Metrics()
    own.reloaded(True, 9.0)
    total = census.total(own)
    assert (total.reloads, total.last_reload_success, total.last_reload_time) == (
        {"success": 1, "failure": 0},
        True,
        9.0,
    )


def test_requests_in_flight() -> None:
    """By endpoint, over all living workers."""
    census = Census()
    one, two = Worker(census, 1), Worker(census, 2)
    one.report({"s": {"a": 1, "b": 2}})
    two.report({"s": {"a": 3}, "t": {"a": 1}})
    assert census.in_flight("s") == {"a": 4, "b": 2}
    assert census.in_flight("nobody") == {}
    one.report({})
    assert census.in_flight("s") == {"a": 3}
    census.bury(2)
    assert census.in_flight("s") == {}


def test_routes_that_are_gone_are_forgotten() -> None:
    """Once nobody has reported anything about them for a whole period; those in use stay however idle they are."""
    census = Census()
    worker = Worker(census, 1)
    for key in (API, SHOP):
        worker.serve(key)
    worker.report()
    census.forget([API])
    assert route(census, SHOP).count == 1, "its last requests may just have ended"
    worker.serve(SHOP)
    worker.report()
    census.forget([API])
    assert route(census, SHOP).count == 2
    census.forget([API])
    assert route(census, SHOP).count == 0
    for _ in range(3):
        census.forget([API])
    assert route(census, API).count == 1


def test_routes_of_workers_that_have_ended_are_forgotten() -> None:
    """As well, or a gateway that is edited for years would keep all it ever had."""
    census = Census()
    worker = Worker(census, 1)
    for key in (API, SHOP):
        worker.serve(key)
    worker.report()
    census.bury(1)
    for _ in range(2):
        census.forget([API])
    keys = {one["key"] for one in census.total(Metrics()).snapshot()["routes"]}
    assert keys == {API}


STEPS = st.lists(
    st.tuples(st.sampled_from(["serve", "report", "bury"]), st.integers(0, 2), st.sampled_from([API, SHOP])),
    max_size=40,
)


@given(STEPS)
def test_totals_never_go_back(steps: list[tuple[str, int, RouteKey]]) -> None:
    """Whatever happens in whatever order; and at the end, everything that was ever reported is there."""
    census = Census()
    workers = {place: Worker(census, place) for place in range(3)}
    owners = 3
    reported = before = 0
    for step, place, key in steps:
        worker = workers[place]
        if step == "serve":
            worker.serve(key)
        elif step == "report":
            reported += sum(one.count for _, one in worker.metrics.counted()) - sum(worker._told.values())
            worker.report()
        else:
            census.bury(worker.owner)
            workers[place] = Worker(census, owners)
            owners += 1
        total = sum(one.count for _, one in census.total(Metrics()).counted())
        assert total >= before
        assert total == reported
        before = total
