"""Medians."""

from __future__ import annotations

import pytest

from benchmarks.sample import Sample, middle


def test_middle() -> None:
    """Each figure is its own median, what nobody measured stays None, errors add up."""
    rounds = [Sample(cpu=1.0, p99=9.0, errors=1), Sample(cpu=3.0, p99=8.0), Sample(cpu=2.0, p99=1.0, errors=2)]
    assert middle(rounds) == Sample(cpu=2.0, p99=8.0, errors=3)


def test_nothing_has_no_middle() -> None:
    """A product that was never measured has no median."""
    with pytest.raises(ValueError, match="no samples"):
        middle([])
