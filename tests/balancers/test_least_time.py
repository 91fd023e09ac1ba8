"""Whoever answers soonest."""

from __future__ import annotations

from collections import Counter

from a3sgw.balancers.least_time import STRATEGY, LeastTime
from a3sgw.http.message import Request
from tests.balancers.fakes import One, many, picks, some


class Stage:
    """A balancer whose clock stands still until told, and endpoints that answer as told."""

    def __init__(self, endpoints: list[One]) -> None:
        self.now = 1000.0
        self.endpoints = endpoints
        self.balancer = LeastTime(endpoints)
        self.balancer.clock = lambda: self.now
        self.speed: dict[str, float | None] = {one.url: 0.01 for one in endpoints}

    def one_by_one(self, count: int, pause: float = 0.0) -> Counter[str]:
        """Exchanges that end before the next begins, with a `pause` in seconds after each; who got them."""
        found: Counter[str] = Counter()
        for _ in range(count):
            endpoint = self.balancer.pick(Request(), ())
            assert endpoint is not None
            found[endpoint.url] += 1
            endpoint.in_flight += 1
            self.balancer.began(endpoint)
            endpoint.in_flight -= 1
            self.balancer.ended(endpoint, self.speed[endpoint.url])
            self.now += pause
        return found

    def burst(self, count: int) -> Counter[str]:
        """Exchanges that all begin before any ends; who got them."""
        found: Counter[str] = Counter()
        for _ in range(count):
            endpoint = self.balancer.pick(Request(), ())
            assert endpoint is not None
            found[endpoint.url] += 1
            endpoint.in_flight += 1
            self.balancer.began(endpoint)
        return found


def test_without_answers_it_is_least_connections() -> None:
    """Nothing is known: exchanges running count, equals in turn."""
    stage = Stage(some(1, 1, 2))
    assert picks(stage.balancer, 2) == "cc"
    assert stage.burst(40) == {"a": 10, "b": 10, "c": 20}


def test_the_fastest_gets_most() -> None:
    """100,000 one by one: nearly all go to the one that answers soonest."""
    stage = Stage(some(1, 1, 1))
    stage.speed = {"a": 0.02, "b": 0.01, "c": 0.1}
    found = stage.one_by_one(100_000, pause=0.001)
    assert found["b"] > 90_000
    assert found["c"] < found["a"] < 10_000


def test_a_burst_is_spread_by_speed() -> None:
    """Who is twice as fast gets twice as many at a time; a share counts the same."""
    stage = Stage(some(1, 1, 2))
    stage.speed = {"a": 0.02, "b": 0.01, "c": 0.02}
    stage.one_by_one(60)
    stage.now += 0.0
    found = stage.burst(100)
    assert 15 <= found["a"] <= 25
    assert 35 <= found["b"] <= 45
    assert 35 <= found["c"] <= 45


def test_newcomers_are_tried() -> None:
    """An endpoint nobody has heard of is expected to be good, but gets no flood before it has answered."""
    stage = Stage(some(1, 1))
    stage.one_by_one(50)
    new = One("new")
    stage.speed["new"] = 0.5
    stage.balancer.update([*stage.endpoints, new])
    assert stage.burst(20)["new"] <= 11
    for one in [*stage.endpoints, new]:
        while one.in_flight:
            one.in_flight -= 1
            stage.balancer.ended(one, stage.speed[one.url])
    assert stage.one_by_one(100)["new"] == 0


def test_who_was_slow_is_tried_again() -> None:
    """What is known fades: after some minutes the slow one is asked, and when it is well again it gets its part."""
    stage = Stage(some(1, 1, 1))
    stage.speed["c"] = 2.0
    assert stage.one_by_one(100, pause=0.1)["c"] == 1
    assert stage.one_by_one(1000, pause=0.2)["c"] <= 3
    stage.speed["c"] = 0.01
    stage.one_by_one(1000, pause=0.2)
    assert stage.one_by_one(300, pause=0.2)["c"] > 60


def test_after_a_pause_the_newest_answer_counts() -> None:
    """What was known half a minute ago says little: one slow answer is nearly the whole average."""
    stage = Stage(some(1))
    stage.one_by_one(100)
    stage.now += 30.0
    stage.speed["a"] = 1.0
    stage.one_by_one(1)
    assert 0.8 < stage.balancer.cost(stage.endpoints[0]) < 1.0
    stage.speed["a"] = 0.0
    stage.one_by_one(1)
    assert 0.6 < stage.balancer.cost(stage.endpoints[0]) < 0.8


def test_failing_fast_is_not_fast() -> None:
    """Ends without an answer count as slow ones."""
    stage = Stage(some(1, 1, 1))
    stage.one_by_one(9)
    stage.speed["b"] = None
    assert stage.one_by_one(200, pause=0.01)["b"] < 10
    stage.speed = dict.fromkeys("abc")
    assert stage.one_by_one(200).total() == 200


def test_averages_survive_an_update() -> None:
    """Health and weights change all the time; what is known of those that stay does not."""
    stage = Stage(some(1, 1, 1))
    stage.speed = {"a": 0.1, "b": 0.1, "c": 0.01}
    stage.one_by_one(50)
    stage.balancer.update(stage.endpoints[1:])
    stage.balancer.update(stage.endpoints)
    assert stage.one_by_one(50)["b"] == 0


def test_a_thousand_all_are_used() -> None:
    """Equally fast ones share a load of 100 at a time."""
    stage = Stage(endpoints := many(1000))
    running: list[One] = []
    found: Counter[str] = Counter()
    for _ in range(20_000):
        endpoint = stage.balancer.pick(Request(), ())
        assert endpoint is not None
        found[endpoint.url] += 1
        endpoint.in_flight += 1
        running.append(endpoint)
        stage.now += 0.0001
        if len(running) > 100:
            over = running.pop(0)
            over.in_flight -= 1
            stage.balancer.ended(over, 0.01)
    assert len(found) == len(endpoints)
    assert max(found.values()) < 60


def test_strategy() -> None:
    """The file's class is the strategy of the file's name, and wants to know what begins and ends."""
    assert STRATEGY is LeastTime
    assert STRATEGY.feedback
