"""Quantiles over a sliding stretch of time."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.quantile import LONGEST, SHORTEST, Quantile, rank


def test_nothing_took_no_time() -> None:
    """Without answers every quantile is zero."""
    assert Quantile(10).value(5.0, 0.99) == 0.0


@pytest.mark.parametrize(
    ("total", "q", "expected"), [(10, 0.0, 1), (10, 0.9, 9), (10, 0.91, 10), (100, 0.55, 55), (7, 1.0, 7), (0, 0.5, 1)]
)
def test_ranks(total: int, q: float, expected: int) -> None:
    """The rank is the first whose share suffices, whatever the rounding."""
    assert rank(total, q) == expected


@given(st.lists(st.floats(SHORTEST, LONGEST), min_size=1, max_size=50), st.floats(0, 1))
def test_a_value_is_right_to_ten_percent(took: list[float], q: float) -> None:
    """Between a millisecond and a hundred seconds no value is further than 10 % from the true one."""
    quantile = Quantile(10)
    for seconds in took:
        quantile.add(1.0, seconds)
    assert quantile.value(1.0, q) == pytest.approx(sorted(took)[rank(len(took), q) - 1], rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, SHORTEST), (-1.0, SHORTEST), (nan, SHORTEST), (1e-9, SHORTEST), (1e9, LONGEST), (inf, LONGEST)],
)
def test_what_is_beyond_the_ends(seconds: float, expected: float) -> None:
    """What took no time or for ever counts as the shortest or the longest."""
    quantile = Quantile(10)
    quantile.add(0.0, seconds)
    assert quantile.value(0.0, 0.5) == expected


def test_what_is_old_is_forgotten() -> None:
    """Slow answers of long ago do not make the value of today."""
    quantile = Quantile(10, 10)
    for _ in range(10):
        quantile.add(100.0, 5.0)
    quantile.add(105.0, 0.01)
    assert quantile.total(105.0) == 11
    assert quantile.value(105.0, 0.9) == pytest.approx(5.0, rel=0.1)
    assert quantile.value(110.0, 0.9) == pytest.approx(0.01, rel=0.1)
    assert quantile.total(110.0) == 1
    assert quantile.total(115.0) == 0
    assert quantile.value(115.0, 0.9) == 0.0
