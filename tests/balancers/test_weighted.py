"""In turn, but by weight."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.balancers.weighted import STRATEGY, WeightedRoundRobin
from tests.balancers.test_round_robin import One, picks


def endpoints(*weights: int) -> list[One]:
    """One endpoint per weight, named a, b, c …"""
    return [One(chr(97 + number), weight) for number, weight in enumerate(weights)]


def test_the_smooth_order() -> None:
    """nginx's: 5 1 1 is never five in a row."""
    assert picks(WeightedRoundRobin(endpoints(5, 1, 1)), 14) == "aabacaa" * 2


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 100))
def test_any_window_is_exact(weights: list[int], start: int) -> None:
    """Over sum(weights) picks, from wherever on, each gets its weight."""
    balancer = WeightedRoundRobin(endpoints(*weights))
    picks(balancer, start)
    found = Counter(picks(balancer, sum(weights)))
    assert found == {chr(97 + number): weight for number, weight in enumerate(weights)}


@pytest.mark.parametrize(("weights", "turns"), [((2, 4), 3), ((1000, 1000, 500), 5), ((7,), 1)])
def test_common_factors_do_not_cost(weights: tuple[int, ...], turns: int) -> None:
    """A round is as short as the ratio allows."""
    assert len(WeightedRoundRobin(endpoints(*weights)).turns(endpoints(*weights))) == turns


def test_odd_weights_stay_bounded() -> None:
    """Large weights without a common factor give a round that fits in memory, at nearly the same ratio."""
    turns = WeightedRoundRobin(endpoints(65535, 65534, 1)).turns(endpoints(65535, 65534, 1))
    assert len(turns) <= 100_000
    found = Counter(one.name for one in turns)
    assert abs(found["a"] / found["b"] - 1) < 0.001
    assert found["c"] >= 1


def test_nobody() -> None:
    """No endpoint, no pick."""
    assert picks(WeightedRoundRobin(()), 1) == "-"


def test_strategy() -> None:
    """The file's class is the strategy of the file's name."""
    assert STRATEGY is WeightedRoundRobin
