"""All counters of a process."""

from __future__ import annotations

import json

from a3sgw.observe.metrics import Metrics
from tests.support.done import done


def test_same_names_same_counters() -> None:
    """A reload asks for the same names and goes on counting where it was."""
    metrics = Metrics()
    assert metrics.route("web", "api", "backend") is metrics.route("web", "api", "backend")
    assert metrics.route("web", "api", "backend") is not metrics.route("web", "api", "other")
    assert metrics.entrypoint("web") is metrics.entrypoint("web")


def test_forget_waits_for_a_quiet_period() -> None:
    """A route that left the configuration is dropped only after a whole period without a request."""
    metrics = Metrics()
    kept, gone = metrics.route("web", "kept", "s"), metrics.route("web", "gone", "s")
    keep = [("web", "kept", "s")]
    assert metrics.forget(keep) == 0
    gone.observe(done(b"GET", 200, 0.1, 0, 0))
    assert metrics.forget(keep) == 0
    assert metrics.forget(keep) == 1
    assert metrics.route("web", "kept", "s") is kept
    assert metrics.route("web", "gone", "s") is not gone


def test_forget_keeps_a_route_that_came_back() -> None:
    """A route that returns to the configuration between two calls is kept with its counts."""
    metrics = Metrics()
    route = metrics.route("web", "api", "s")
    metrics.forget([])
    metrics.forget([("web", "api", "s")])
    assert metrics.forget([]) == 0
    assert metrics.route("web", "api", "s") is route


def test_reload_result() -> None:
    """A failed reload is counted, shown, and leaves the time of the last good one alone."""
    metrics = Metrics()
    metrics.reloaded(True, 100.0)
    metrics.reloaded(False, 200.0)
    assert metrics.reloads == {"success": 1, "failure": 1}
    assert (metrics.last_reload_success, metrics.last_reload_time) == (False, 100.0)


def test_merge_adds_workers_up() -> None:
    """Two workers' snapshots, sent as JSON, merge into the sum of both."""
    first, second, total = Metrics(), Metrics(), Metrics()
    for worker in (first, second):
        worker.route("web", "api", "s").observe(done(b"GET", 200, 0.1, 1, 2))
        worker.entrypoint("web").opened()
        worker.entrypoint("web").refuse("limit")
        worker.lose(3)
    second.route("web").observe(done(b"GET", 404, 0.1, 0, 9))
    second.reloaded(False, 5.0)
    for worker in (first, second):
        total.merge(json.loads(json.dumps(worker.snapshot())))
    assert total.route("web", "api", "s").requests == {(b"GET", 200): 2}
    assert total.route("web").requests == {(b"GET", 404): 1}
    assert (total.entrypoint("web").open, total.entrypoint("web").refused) == (2, {"limit": 2})
    assert (total.last_reload_success, total.reloads, total.access_log_lost) == (False, {"success": 0, "failure": 1}, 6)


def test_snapshot_is_a_copy() -> None:
    """Counting after a snapshot does not change it."""
    metrics = Metrics()
    route = metrics.route("web", "api", "s")
    route.observe(done(b"GET", 200, 0.1, 1, 2))
    before = metrics.snapshot()
    text = json.dumps(before)
    route.observe(done(b"GET", 200, 0.1, 1, 2))
    metrics.entrypoint("web").opened()
    assert json.dumps(before) == text
