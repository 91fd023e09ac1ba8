"""Counts over a sliding stretch of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.window import Window

STEPS = st.lists(st.tuples(st.floats(0, 30), st.booleans()), min_size=1, max_size=60)


def test_an_empty_window() -> None:
    """Where nothing happened, nothing failed."""
    window = Window(10)
    assert (window.total(5), window.failures(5), window.ratio(5)) == (0, 0, 0.0)


def test_counting() -> None:
    """The ratio is that of failures to everything."""
    window = Window(10)
    for failed in (True, False, False, True, False):
        window.add(1000.0, failed)
    assert (window.total(1001), window.failures(1001), window.ratio(1001)) == (5, 2, 0.4)


@pytest.mark.parametrize(
    ("later", "total", "failures"),
    [(0, 2, 1), (8.9, 2, 1), (9, 1, 0), (9.9, 1, 0), (10, 0, 0), (19, 0, 0), (1e6, 0, 0), (-50, 2, 1)],
)
def test_what_is_old_is_forgotten(later: float, total: int, failures: int) -> None:
    """Piece by piece as time goes on, all of it after a long pause, and nothing when the clock steps back."""
    window = Window(10, 10)
    window.add(100.0, True)
    window.add(101.0, False)
    assert window.total(101.0 + later) == total
    assert window.failures(101.0 + later) == failures


def test_clearing() -> None:
    """A cleared window is as new, and counts on."""
    window = Window(10)
    window.add(1.0, True)
    window.clear()
    assert window.total(1.0) == 0
    window.add(2.0, True)
    window.add(2.0, False)
    assert window.ratio(3.0) == 0.5
    assert window.total(60.0) == 0


@given(STEPS, st.integers(1, 12), st.floats(0.5, 60))
def test_a_window_tells_the_truth(steps: list[tuple[float, bool]], pieces: int, seconds: float) -> None:
    """All of the last seconds but one piece is counted, nothing from before, and never less than nothing."""
    window = Window(seconds, pieces)
    now = 0.0
    seen: list[tuple[float, bool]] = []
    for pause, failed in steps:
        now += pause
        window.add(now, failed)
        seen.append((now, failed))
        # What lies on the edge of a piece may fall on either side of it.
        surely = [one for at, one in seen if at > now - seconds * (1 - 1 / pieces) + 1e-6 or at == now]
        perhaps = [one for at, one in seen if at >= now - seconds - 1e-6]
        assert len(surely) <= window.total(now) <= len(perhaps)
        assert sum(surely) <= window.failures(now) <= sum(perhaps)
        assert 0.0 <= window.ratio(now) <= 1.0


@pytest.mark.parametrize(("now", "left"), [(2.0, 3), (2.9, 3), (3.0, 2), (4.0, 1), (4.5, 1), (5.0, 0), (1e9, 0)])
def test_pieces_are_emptied_in_turn(now: float, left: int) -> None:
    """One outcome in each of three pieces: each second takes the oldest away, a long pause all of them."""
    window = Window(3, 3)
    for second in (0.0, 1.0, 2.0):
        window.add(second, True)
    assert window.total(now) == window.failures(now) == left
