"""In turn, but by weight."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from a3sgw.balancers.weighted import STRATEGY, WeightedRoundRobin
from tests.balancers.fakes import counted, many, picks, some


def test_the_smooth_order() -> None:
    """5 1 1 is never four in a row, also from one round to the next."""
    assert picks(WeightedRoundRobin(some(5, 1, 1)), 14) == "abaaaca" * 2


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 100))
def test_any_window_is_exact(weights: list[int], start: int) -> None:
    """Over sum(weights) picks, from wherever on, each gets its weight."""
    balancer = WeightedRoundRobin(some(*weights))
    picks(balancer, start)
    found = Counter(picks(balancer, sum(weights)))
    assert found == {chr(97 + number): weight for number, weight in enumerate(weights)}


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 120))
def test_any_beginning_is_nearly_exact(weights: list[int], count: int) -> None:
    """After any number of picks nobody is more than one turn away from its part."""
    endpoints = some(*weights)
    found = Counter(picks(WeightedRoundRobin(endpoints), count))
    for one in endpoints:
        assert abs(found[one.url] - count * one.share / sum(weights)) < 2.5


def test_large_weights() -> None:
    """A round of 131,070 picks costs no memory and is as even as a short one."""
    found = counted(WeightedRoundRobin(some(65535, 65534, 1)), 100_000)
    assert abs(found["a"] - found["b"]) <= 2
    assert found["c"] == 1


def test_a_thousand_by_weight() -> None:
    """A thousand endpoints of weights 1 to 10: exact in every round, 100,000 picks and more."""
    endpoints = many(1000)
    for number, one in enumerate(endpoints):
        one.share = float(number % 10 + 1)
    balancer = WeightedRoundRobin(endpoints)
    counted(balancer, 1234)
    assert counted(balancer, 5500 * 19) == {one.url: one.share * 19 for one in endpoints}


def test_strategy() -> None:
    """The file's class is the strategy of the file's name."""
    assert STRATEGY is WeightedRoundRobin
