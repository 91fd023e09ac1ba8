"""How many of the last outcomes were failures: counts over a sliding stretch of time."""

from __future__ import annotations

from a3sgw.machines.pieces import Pieces


class Window(Pieces):
    """Counts of the last `seconds`, to the accuracy of one of `pieces`; adding costs 0.1 µs, as does each question."""

    __slots__ = ("_failed", "_failures", "_total", "_totals")

    def __init__(self, seconds: float, pieces: int = 10) -> None:
        """`seconds` > 0 to look back; what is older than that is forgotten in steps of `seconds / pieces`."""
        super().__init__(seconds, pieces)
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

    def _empty(self, at: int) -> None:
        self._total -= self._totals[at]
        self._failures -= self._failed[at]
        self._totals[at] = self._failed[at] = 0
