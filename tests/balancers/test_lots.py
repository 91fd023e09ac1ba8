"""Drawing lots by share."""

from __future__ import annotations

from itertools import repeat

import pytest

from a3sgw.balancers.random import Random
from tests.balancers.fakes import some


@pytest.mark.parametrize(("chance", "place"), [(0.0, 0), (0.19, 0), (0.21, 1), (0.79, 1), (0.81, 2), (1.0, 2)])
def test_draw(chance: float, place: int) -> None:
    """Places side by side, as long as their shares; the end of the line belongs to the last."""
    lots = Random(some(1, 3, 1))
    lots.chance = lambda: chance
    assert lots.draw() == place


@pytest.mark.parametrize(
    ("first", "chance", "place"),
    [(1, 0.0, 0), (1, 0.49, 0), (1, 0.51, 2), (1, 1.0, 2), (0, 0.0, 1), (0, 0.76, 2), (2, 0.24, 0), (2, 1.0, 1)],
)
def test_draw_another(first: int, chance: float, place: int) -> None:
    """By share among the others, never the first again, not even on the edges."""
    lots = Random(some(1, 3, 1))
    lots.chance = lambda: chance
    assert lots.draw_another(first) == place


def test_rounding_never_gives_the_first_again() -> None:
    """Shares that no float can tell exactly, and draws as near to the edges as there are."""
    endpoints = some(*[0.1] * 7)
    lots = Random(endpoints)
    for first in range(7):
        for number in range(7):
            for near in (-1e-16, 0.0, 1e-16):
                lots.chance = repeat(min(max(number / 6 + near, 0.0), 1.0)).__next__
                assert lots.draw_another(first) != first
