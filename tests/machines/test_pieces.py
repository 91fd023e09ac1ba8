"""A stretch of time in pieces."""

from __future__ import annotations

import pytest

from a3sgw.machines.pieces import Pieces


class Emptied(Pieces):
    """Remembers which places were emptied."""

    __slots__ = ("places",)

    def __init__(self, seconds: float, pieces: int) -> None:
        super().__init__(seconds, pieces)
        self.places: list[int] = []

    def at(self, now: float) -> list[int]:
        """Which places are emptied by going on to `now`."""
        self.places.clear()
        self._turn(now)
        return list(self.places)

    def _empty(self, at: int) -> None:
        self.places.append(at)


@pytest.mark.parametrize(
    ("now", "emptied"), [(0, []), (0.9, []), (1.0, [1]), (2.5, [1, 2]), (3.0, [1, 2, 0]), (1e9, [1, 2, 0])]
)
def test_pieces_follow_each_other(now: float, emptied: list[int]) -> None:
    """Each second empties one place of the ring of three, in turn, and each at most once."""
    assert Emptied(3, 3).at(now) == emptied


def test_the_ring_closes() -> None:
    """After the last place comes the first."""
    pieces = Emptied(3, 3)
    assert [pieces.at(now) for now in (0, 1, 2, 3, 3.5, 4)] == [[], [1], [2], [0], [], [1]]
