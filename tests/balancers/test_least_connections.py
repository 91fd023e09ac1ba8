"""Whoever has the least to do."""

from __future__ import annotations

from a3sgw.balancers.least_connections import STRATEGY, LeastConnections
from a3sgw.http.message import Request
from tests.balancers.fakes import One, counted, many, picks, some


def hold(balancer: LeastConnections[One], count: int) -> None:
    """Pick that many, and let all of them run on."""
    for _ in range(count):
        endpoint = balancer.pick(Request(), ())
        assert endpoint is not None
        endpoint.in_flight += 1
        balancer.began(endpoint)


def test_idle_ones_in_turn() -> None:
    """Among equals everyone once, also when each exchange is over before the next begins."""
    assert picks(LeastConnections(some(1, 1, 1)), 6) == "abcabc"
    assert set(counted(LeastConnections(many(1000)), 100_000).values()) == {100}


def test_who_is_slow_gets_less() -> None:
    """What does not end counts; what ends does not."""
    a, b, c = endpoints = some(1, 1, 1)
    balancer = LeastConnections(endpoints)
    hold(balancer, 3)
    c.in_flight -= 1
    balancer.ended(c, 0.1)
    assert picks(balancer, 2) == "cc"
    hold(balancer, 1)
    a.in_flight -= 1
    balancer.ended(a, None)
    assert picks(balancer, 1) == "a"
    assert b.in_flight == 1


def test_exchanges_running_are_by_share() -> None:
    """100,000 held over a thousand endpoints of shares 1 to 4 are 40 for each share of 1."""
    endpoints = many(1000)
    for number, one in enumerate(endpoints):
        one.share = float(number % 4 + 1)
    hold(LeastConnections(endpoints), 100_000)
    assert {one.in_flight / one.share for one in endpoints} == {40}


def test_a_new_share_counts_at_once() -> None:
    """An endpoint that starts slowly takes a part of what others take."""
    a, b = endpoints = some(1, 1)
    balancer = LeastConnections(endpoints)
    b.share = 0.25
    balancer.update(endpoints)
    hold(balancer, 100)
    assert (a.in_flight, b.in_flight) == (80, 20)


def test_strategy() -> None:
    """The file's class is the strategy of the file's name, and wants to know what begins and ends."""
    assert STRATEGY is LeastConnections
    assert STRATEGY.feedback
