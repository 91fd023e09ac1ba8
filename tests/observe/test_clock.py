"""Times as text."""

from __future__ import annotations

import pytest

from a3sgw.observe.clock import Stamps


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9999, "1970-01-01T00:00:00.999Z"),
        (1795245393.125, "2026-11-21T07:16:33.125Z"),
        (1709164799.5, "2024-02-28T23:59:59.500Z"),
    ],
)
def test_format(now: float, text: str) -> None:
    """A time is ISO 8601 in UTC with milliseconds, rounded down so that no second has a thousandth."""
    assert Stamps().at(now) == text


def test_seconds_change_and_go_back() -> None:
    """The remembered second is replaced when time moves, in either direction."""
    stamps = Stamps()
    assert [stamps.at(now)[17:] for now in (10.25, 10.5, 11.0, 10.75)] == ["10.250Z", "10.500Z", "11.000Z", "10.750Z"]
