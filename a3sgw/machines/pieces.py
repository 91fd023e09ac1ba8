"""A sliding stretch of time, cut into equal pieces of which the oldest is emptied for the newest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import inf


class Pieces(ABC):
    """What `Window` and `Quantile` have in common: which piece is current, and which have become too old.

    The current piece has only begun, so what is looked at is as long as was asked for, or up to one piece shorter.
    """

    __slots__ = ("_current", "_piece", "_pieces", "_until", "_width")

    def __init__(self, seconds: float, pieces: int) -> None:
        """`seconds` > 0 is the whole stretch, `pieces` > 0 into how many it is cut."""
        self._width = seconds / pieces
        self._pieces = pieces
        self._piece = 0
        """Number of the current piece since the clock's zero."""
        self._current = 0
        """Where in the ring the current piece is."""
        self._until = -inf
        """When it ends: until then nothing moves, which is one comparison for whoever counts."""

    def _turn(self, now: float) -> None:
        """Go on to the piece of `now`; a pause longer than the stretch empties all."""
        piece = int(now // self._width)
        for _ in range(min(piece - self._piece, self._pieces)):
            self._current = (self._current + 1) % self._pieces
            self._empty(self._current)
        self._piece = piece
        self._until = (piece + 1) * self._width

    @abstractmethod
    def _empty(self, at: int) -> None:
        """Forget what the piece at this place of the ring holds."""
