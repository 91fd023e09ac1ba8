"""Turns by weight, spread evenly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.balancers.smooth import Smooth, whole
from tests.balancers.fakes import some


@pytest.mark.parametrize(
    ("shares", "weights"),
    [((2.0, 4.0), [1, 2]), ((1000.0, 500.0), [2, 1]), ((7.0,), [1]), ((1.0, 0.1), [10, 1]), ((1.0, 1e-9), [10**6, 1])],
)
def test_whole(shares: tuple[float, ...], weights: list[int]) -> None:
    """A round is as short as the ratio allows; parts of a weight are fine to a millionth."""
    assert whole(shares) == weights


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(0, 40))
def test_waits_tell_the_order(shares: list[int], start: int) -> None:
    """From where one stopped, another goes on in the same order when it is given the waits."""
    endpoints = some(*shares)
    first = Smooth(endpoints, dict.fromkeys(endpoints, 0.3))
    for _ in range(start):
        first.turn()
    waits = first.waits()
    assert all(-1e-9 <= wait <= 1 + 1e-9 for wait in waits.values())
    following = first.turn()
    assert waits[following] / following.share == pytest.approx(min(waits[one] / one.share for one in endpoints))
