"""So many per second: the generic cell rate algorithm over slots of one time each.

The time is the one at which a steady stream would have its next turn ("theoretical arrival time", ITU-T I.371). It
runs ahead of the clock by one interval per admission, and may be ahead by as much as the burst allows. A time that
has passed means an idle key, which is the same as one never seen: its slot is free.
"""

from __future__ import annotations

from a3sgw.shared.keys import Keys

WINDOW = 32
"""Slots a key may be in."""


class Rates:
    """Called under the lock of the bucket."""

    def __init__(self, keys: Keys, times: memoryview[float]) -> None:
        self._keys = keys
        self._times = times
        self.evicted = 0
        """Keys forgotten while they still mattered."""

    def admit(self, bucket: int, key: bytes, now: float, rate: float, burst: int) -> float:
        """0.0 and one turn taken, or the seconds until there is one."""
        slot = self._keys.find(bucket, key)
        if slot < 0:
            slot = self._claim(bucket, key, now)
        interval = 1.0 / rate
        ahead = self._times[slot] - now
        if ahead <= 0.0:
            self._times[slot] = now + interval
            return 0.0
        excess = ahead - (burst - 1) * interval if burst > 1 else ahead
        if excess <= 0.0:
            self._times[slot] = now + ahead + interval
            return 0.0
        if excess > interval:
            # Further ahead than this rate can have led to: another rate did, and a key must not pay for that for long.
            self._times[slot] = now + ahead - excess + interval
            return interval
        return excess

    def _claim(self, bucket: int, key: bytes, now: float) -> int:
        """The slot of the key that is idle for longest or, when none is, soonest.

        A busy key that is forgotten may come at once again, up to its burst: the error is on the side of admitting.
        """
        first = bucket * self._keys.window
        times = self._times[first : first + self._keys.window].tolist()
        earliest = min(times)
        if earliest > now:
            self.evicted += 1
        slot = first + times.index(earliest)
        self._times[slot] = 0.0
        self._keys.write(slot, key)
        return slot
