"""Passive health."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.outlier import Outlier, OutlierOptions, may_eject

ROW = OutlierOptions(3, None, 10, 10.0, 10.0, 60.0)
SHARE = OutlierOptions(0, 0.5, 4, 10.0, 10.0, 60.0)


def outcomes(outlier: Outlier, now: float, letters: str) -> list[float]:
    """What is proposed after each success (+) and failure (-)."""
    return [outlier.outcome(now, letter == "-") for letter in letters]


def eject(outlier: Outlier, now: float) -> float:
    """Let it fail until it is ejected, for the seconds returned, and return."""
    seconds = max(outcomes(outlier, now, "---"))
    outlier.ejected(now)
    outlier.returned(now + seconds)
    return seconds


@pytest.mark.parametrize(
    ("options", "letters", "proposed"),
    [
        (ROW, "---", [0, 0, 10]),
        (ROW, "--+---", [0, 0, 0, 0, 0, 10]),
        (replace(ROW, max_failed_attempts=0), "-" * 6, [0] * 6),
        (SHARE, "----", [0, 0, 0, 10]),
        (SHARE, "+++-+--+-", [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (SHARE, "++--", [0, 0, 0, 10]),
        (SHARE, "--++-", [0, 0, 0, 0, 10]),
        (replace(ROW, ejection_time=90.0), "---", [0, 0, 60]),
    ],
)
def test_when_it_is_ejected(options: OutlierOptions, letters: str, proposed: list[float]) -> None:
    """After enough failures in a row or a large enough share of them, and always by a failure."""
    assert outcomes(Outlier(options), 1.0, letters) == proposed


def test_old_failures_do_not_count() -> None:
    """The share is that of the window only."""
    outlier = Outlier(SHARE)
    outcomes(outlier, 1.0, "---")
    assert outcomes(outlier, 50.0, "+++-") == [0] * 4


def test_a_refused_ejection_is_proposed_again() -> None:
    """As long as nobody carries it out each further failure proposes it, for no longer than the first."""
    assert outcomes(Outlier(ROW), 1.0, "-----") == [0, 0, 10, 10, 10]


def test_what_ends_while_it_is_out() -> None:
    """Requests that were on their way when it was ejected count neither then nor when it is back."""
    outlier = Outlier(ROW)
    outcomes(outlier, 1.0, "---")
    outlier.ejected(1.0)
    assert outlier.out
    assert outcomes(outlier, 2.0, "-----") == [0] * 5
    outlier.returned(11.0)
    assert not outlier.out
    assert outcomes(outlier, 11.0, "---") == [0, 0, 20]


def test_a_clean_slate() -> None:
    """What failed before the ejection is no part of the share after it."""
    outlier = Outlier(replace(SHARE, window=1000.0))
    outcomes(outlier, 1.0, "----")
    outlier.ejected(1.0)
    outlier.returned(11.0)
    assert outcomes(outlier, 11.0, "++-") == [0] * 3


def test_the_time_grows_and_shrinks() -> None:
    """Each relapse doubles it up to the most, and each such time without one halves it again."""
    outlier = Outlier(ROW)
    assert [eject(outlier, now) for now in (100, 150, 200, 280, 390)] == [10, 20, 40, 60, 60]
    assert eject(outlier, 450 + 59) == 60
    assert eject(outlier, 569 + 61) == 40
    assert eject(outlier, 10_000) == 10


@pytest.mark.parametrize(
    ("total", "ejected", "percent", "may"),
    [
        (0, 0, 100, False),
        (1, 0, 100, False),
        (2, 0, 10, True),
        (2, 1, 100, False),
        (3, 1, 100, True),
        (3, 2, 100, False),
        (10, 4, 50, True),
        (10, 5, 50, False),
        (10, 0, 0, True),
        (10, 1, 19, False),
        (10, 1, 20, True),
    ],
)
def test_who_may_be_ejected(total: int, ejected: int, percent: float, may: bool) -> None:
    """Never the last one, one of several always, and more only within the share."""
    assert may_eject(total, ejected, percent) is may


@given(st.integers(0, 200), st.floats(0, 100))
def test_how_many_are_ejected_at_most(total: int, percent: float) -> None:
    """However many fail, one stays, and no more than the share goes, or one."""
    ejected = 0
    while may_eject(total, ejected, percent):
        ejected += 1
    assert ejected <= max(0, total - 1)
    assert ejected <= max(1, total * percent / 100)
