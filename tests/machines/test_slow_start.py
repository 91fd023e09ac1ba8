"""Shares that grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.slow_start import factor, next_step


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [(-5, 0.1), (0, 0.1), (0.9, 0.1), (1.1, 0.2), (4.5, 0.5), (7.9, 0.8), (8.99, 0.9), (9, 1.0), (1e9, 1.0)],
)
def test_the_factor_grows(elapsed: float, expected: float) -> None:
    """Over nine seconds it grows by a tenth each second, and is whole when the time is over."""
    assert factor(100.0, 100.0 + elapsed, 9.0) == expected


def test_no_duration() -> None:
    """With a duration of 0 an endpoint has its whole share at once."""
    assert (factor(5.0, 5.0, 0.0), next_step(5.0, 5.0, 0.0)) == (1.0, None)


@given(st.floats(0, 1e7), st.floats(0.1, 3600))
def test_steps_lead_to_the_end(since: float, duration: float) -> None:
    """Who asks again when told sees every factor once, and stops after the last."""
    now = since
    seen = [factor(since, now, duration)]
    while (wait := next_step(since, now, duration)) is not None:
        assert wait > 0
        now += wait
        seen.append(factor(since, now, duration))
        assert len(seen) <= 10
    assert seen == [one / 10 for one in range(1, 11)]
    assert now == pytest.approx(since + duration, abs=0.01)
