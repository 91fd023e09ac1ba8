"""So many per second: the generic cell rate algorithm over slots of one time each.

The time is the one at which a steady stream would have its next turn ("theoretical arrival time", ITU-T I.371). It
runs ahead of the clock by one interval per admission, and may be ahead by as much as the burst allows. A time that
has passed means an idle key, which is the same as one never seen: its slot is free.

A turn that is taken late, by less than one interval, does not put off those after it. Requests never come exactly when
their turn is, so without this a steady stream of three times the rate would get a tenth less than the rate when there
is no burst to take from. It never adds to what may come at once.

Refusing changes nothing, so it needs no lock: however hard a client knocks, locks are taken no more often than it is
admitted.
"""

from __future__ import annotations

from collections.abc import Callable

from a3sgw.shared.keys import Keys
from a3sgw.shared.memory import STRIPES
from a3sgw.shared.mutex import Mutexes

WINDOW = 32
"""Slots a key may be in."""


class Rates:
    """What an attachment does with the slots; one thread at a time."""

    def __init__(self, keys: Keys, times: memoryview[float], mutexes: Mutexes) -> None:
        self._keys = keys
        self._times = times
        self._mutexes = mutexes
        self.evicted = 0
        """Keys forgotten while they still mattered."""

    def take(self, bucket: int, key: bytes, clock: Callable[[], float], interval: float, tolerance: float) -> float:
        """Seconds: below zero nothing was taken, and there is a turn after so many; else one turn was taken, and
        further ones reach as far as this. 0.0 also when the lock cannot be had in time.

        `interval` is the time from one turn to the next, `tolerance` how far ahead turns may be taken, in seconds.
        """
        slot = self._keys.find(bucket, key)
        if slot >= 0:
            spare = clock() + tolerance - self._times[slot]
            # The slot may have been given to another key since it was found, with another time.
            if -interval <= spare < 0.0 and self._keys.has(slot, key):
                return spare
        stripe = bucket % STRIPES
        if not self._mutexes.take(stripe):
            return 0.0
        try:
            # Read again: an old time, of a process that was put aside for a while, makes turns look too far ahead.
            now = clock()
            if slot < 0 or not self._keys.has(slot, key):
                slot = self._claim(bucket, key, now)
            return self._advance(slot, now, interval, tolerance)
        finally:
            self._mutexes.give(stripe)

    def _advance(self, slot: int, now: float, interval: float, tolerance: float) -> float:
        time = self._times[slot]
        if now - time >= interval or time == 0.0:  # 0.0: a key that has just come
            time = now
        spare = now + tolerance - time
        if spare < -interval:
            # Further ahead than this rate can have led to: another rate did, and a key must not pay for that for long.
            self._times[slot] = now + tolerance + interval
            return -interval
        if spare >= 0.0:
            self._times[slot] = time + interval
        return spare

    def _claim(self, bucket: int, key: bytes, now: float) -> int:
        """The slot of the key: its own or else the one that is idle for longest or, when none is, soonest.

        A busy key that is forgotten may come at once again, up to its burst: the error is on the side of admitting.
        """
        slot = self._keys.find(bucket, key)
        if slot >= 0:  # another process was faster
            return slot
        first = bucket * self._keys.window
        times = self._times[first : first + self._keys.window].tolist()
        earliest = min(times)
        if earliest > now:
            self.evicted += 1
        slot = first + times.index(earliest)
        self._times[slot] = 0.0
        self._keys.write(slot, key)
        return slot
