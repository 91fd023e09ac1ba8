"""How many retries there may be: a share of the requests, so that retries never double an overload."""

from __future__ import annotations

from math import inf

from a3sgw.machines.window import Window

HORIZON = 10.0
"""Seconds: what was not spent within this time is lost, so that a long good time does not pay for a storm."""
_ENOUGH = 1.0 - 1e-9
"""Ten times a tenth is a little less than one."""


class RetryBudget:
    """Requests put a part of a retry in, retries take a whole one out; the first costs 0.2 µs, the second 0.4 µs.

    It never holds more than `burst`, what the requests of the last `HORIZON` put in, and `per_second` for as long.
    """

    __slots__ = ("_at", "_burst", "_left", "_per_second", "_recent", "_share")

    def __init__(self, percent: float, per_second: float, burst: int = 10) -> None:
        """Retries may be `percent` of the requests and `per_second` besides; `burst` are there at the beginning."""
        self._share = percent / 100
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._recent = Window(HORIZON)
        self._at = inf  # when a retry was last asked for; before the first nothing has come with time

    def request(self, now: float) -> None:
        """A request has come; its own retries are none."""
        self._recent.add(now, False)
        self._left += self._share

    def spend(self, now: float) -> bool:
        """Whether there may be one more retry, which is counted then."""
        most = self._burst + self._share * self._recent.total(now) + self._per_second * HORIZON
        self._left = min(self._left + self._per_second * max(0.0, now - self._at), most)
        self._at = now
        if self._left < _ENOUGH:
            return False
        self._left -= 1.0
        return True
