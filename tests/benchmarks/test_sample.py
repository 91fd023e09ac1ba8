"""Medians."""

from __future__ import annotations

import pytest

from benchmarks.sample import Sample, middle, unevenness


def test_middle() -> None:
    """Each figure is its own median, what nobody measured stays None, errors add up."""
    rounds = [Sample(cpu=1.0, p99=9.0, errors=1), Sample(cpu=3.0, p99=8.0), Sample(cpu=2.0, p99=1.0, errors=2)]
    assert middle(rounds) == Sample(cpu=2.0, p99=8.0, errors=3)


def test_nothing_has_no_middle() -> None:
    """A product that was never measured has no median."""
    with pytest.raises(ValueError, match="no samples"):
        middle([])


@pytest.mark.parametrize(
    ("counts", "part"), [((200, 200), 0), ((220, 180), 0.1), ((100, 100, 40), 0.5), ((7,), 0), ((0, 8), 1)]
)
def test_unevenness(counts: tuple[int, ...], part: float) -> None:
    """It is the worst worker that counts, above or below an equal share."""
    assert unevenness(counts) == pytest.approx(part)


@pytest.mark.parametrize("counts", [(), (0, 0)])
def test_nothing_is_not_even(counts: tuple[int, ...]) -> None:
    """Without connections there is no share to compare with."""
    with pytest.raises(ValueError, match="no counts"):
        unevenness(counts)
