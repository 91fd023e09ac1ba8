"""Passive health of one endpoint: who fails too much is left out for a time that grows with each relapse."""

from __future__ import annotations

from dataclasses import dataclass

from a3sgw.machines.window import Window


@dataclass(frozen=True, slots=True)
class OutlierOptions:
    """When an endpoint is ejected and for how long; times are in seconds."""

    max_failed_attempts: int
    """Failures in a row; 0 means that the row does not count."""

    failure_ratio: float | None
    """Share of failures within `window`, from 0 to 1; none means that the share does not count."""

    min_requests: int
    """Outcomes within `window` below which the share says nothing."""

    window: float
    """> 0: how far the share looks back."""

    ejection_time: float
    """> 0: how long the first time; twice as long each time after."""

    max_ejection_time: float
    """> 0: how long at most. As long without an ejection undoes one doubling."""


class Outlier:
    """Proposes ejections; who carries one out says so, as `may_eject` may be against it. An outcome costs 0.2 µs."""

    __slots__ = ("_doublings", "_in_since", "_options", "_recent", "_row", "out")

    def __init__(self, options: OutlierOptions) -> None:
        self.out = False
        """Ejected and not yet returned."""
        self._options = options
        self._recent = None if options.failure_ratio is None else Window(options.window)
        self._row = 0
        self._doublings = 0
        self._in_since = 0.0

    def outcome(self, now: float, failed: bool) -> float:
        """Count one request; for how many seconds to eject, or 0.0. What ends while it is out counts for nothing.

        A proposal that is not carried out comes again with the next failure.
        """
        if self.out:
            return 0.0
        self._row = self._row + 1 if failed else 0
        if self._recent is not None:
            self._recent.add(now, failed)
        return self._seconds(now) if failed and self._bad(now) else 0.0

    def ejected(self, now: float) -> None:
        """It is out from now on; call `returned` when the seconds proposed are over."""
        self._doublings = self._doublings_at(now) + (self._seconds(now) < self._options.max_ejection_time)
        self.out = True

    def returned(self, now: float) -> None:
        """It is in again, with a clean slate but for the growth of the next ejection."""
        self.out = False
        self._in_since = now
        self._row = 0
        if self._recent is not None:
            self._recent.clear()

    def _bad(self, now: float) -> bool:
        options, recent = self._options, self._recent
        if 0 < options.max_failed_attempts <= self._row:
            return True
        if recent is None or options.failure_ratio is None or recent.total(now) < options.min_requests:
            return False
        return recent.ratio(now) >= options.failure_ratio

    def _seconds(self, now: float) -> float:
        options = self._options
        return min(options.ejection_time * 2.0 ** self._doublings_at(now), options.max_ejection_time)

    def _doublings_at(self, now: float) -> int:
        good = int((now - self._in_since) / self._options.max_ejection_time)
        return max(0, self._doublings - good)


def may_eject(total: int, ejected: int, max_percent: float) -> bool:
    """Whether one more of `total` endpoints may be left out when `ejected` are: never the last one.

    No more than `max_percent` of them together, though one of several always.
    """
    if ejected + 1 >= total:
        return False
    return ejected == 0 or (ejected + 1) * 100 <= max_percent * total
