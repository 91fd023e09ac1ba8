"""Everyone in turn."""

from __future__ import annotations

from a3sgw.balancers.round_robin import STRATEGY, RoundRobin
from tests.balancers.fakes import counted, many, picks, some


def test_in_turn() -> None:
    """Each once, then from the start."""
    assert picks(RoundRobin(some(1, 1, 1)), 7) == "abcabca"


def test_equal_weights_are_equal() -> None:
    """Only the ratio counts."""
    assert picks(RoundRobin(some(7, 7)), 4) == "abab"


def test_a_retry_takes_nobodys_turn() -> None:
    """It goes to any that has not been tried, by share, none when all have; the others go on as they were."""
    a, b, c = endpoints = some(1, 1, 1)
    balancer = RoundRobin(endpoints)
    assert picks(balancer, 1) == "a"
    assert set(picks(balancer, 100, (a,))) == {"b", "c"}
    assert picks(balancer, 2, (a, b)) == "cc"
    assert picks(balancer, 1, (a, b, c)) == "-"
    assert picks(balancer, 3) == "bca"


def test_a_thousand_share_equally() -> None:
    """100,000 picks are 100 for each of 1,000."""
    assert set(counted(RoundRobin(many(1000)), 100_000).values()) == {100}


def test_strategy() -> None:
    """The file's class is the strategy of the file's name."""
    assert STRATEGY is RoundRobin
