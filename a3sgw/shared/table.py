"""Limits that hold for all processes together: rates and counters by key, in memory they share."""

from __future__ import annotations

import os
from hashlib import blake2b
from time import monotonic, sleep

from a3sgw.shared import counters, rates
from a3sgw.shared.counters import Counters
from a3sgw.shared.keys import Keys
from a3sgw.shared.lives import Life, lives
from a3sgw.shared.memory import KEY, STRIPES, Memory
from a3sgw.shared.rates import Rates

_HIGHEST_OWNER = 2**31
_NOT_EMPTY = bytes(byte if byte % 64 else byte + 1 for byte in range(256))
"""Looking for a key skips what cannot be part of it, by the lower six bits of a byte: with this it always skips the
zeros of empty slots, without it a fifth of all keys took four times as long."""
_MOST_KNOWN = 2048
_HEADER_PATIENCE = 1.0
"""Seconds for the lock of the header, which is held for microseconds."""


class SharedTable:
    """A table that other processes attach to; used by one thread at a time in each of them.

    An attachment counts for its `owner`, and no two that live may have the same, but for 0, the owner of those that
    decide and count nothing, or that are alone. The size is fixed, keys may have any
    length, and nobody outside can choose keys that fall on one place: they are hashed with a secret of the table.
    Where exactness cannot be had within milliseconds, or at all, the answer is "admitted", and `state` counts it.
    """

    def __init__(self, descriptor: int, owner: int) -> None:
        """Use `create` or `attach`."""
        memory = Memory(descriptor)
        try:
            self._life = Life(descriptor, owner) if owner else None
        except BaseException:
            memory.close()
            raise
        self.descriptor = descriptor
        self.owner = owner
        self.now = monotonic
        """The clock of rates, in seconds: CLOCK_MONOTONIC, which all processes share."""
        self.mutexes = memory.mutexes
        self._memory = memory
        self._hash = blake2b(digest_size=KEY, key=memory.seed)
        self.seed = blake2b(b"for everything else", key=memory.seed).digest()
        """A secret that all processes share, and an upgrade keeps."""
        rate_keys = Keys(memory.map, memory.rate_keys, memory.slots, rates.WINDOW)
        counter_keys = Keys(memory.map, memory.counter_keys, memory.slots, counters.WINDOW)
        self._rate_buckets = rate_keys.buckets
        self._counter_buckets = counter_keys.buckets
        self._rates = Rates(rate_keys, memory.times, memory.mutexes)
        self._counters = Counters(counter_keys, memory.entries, owner)
        self._unrecorded: dict[bytes, int] = {}
        """Held by this process, but not to be seen by others."""
        self._crowded = 0
        self._known: dict[bytes, tuple[bytes, int]] = {}
        """Digests of keys that came lately."""

    @classmethod
    def create(cls, slots: int = 65536) -> SharedTable:
        """New memory for this many keys of each kind (48 bytes each, once used), as owner 0; OSError."""
        return cls(Memory.create(slots), 0)

    @classmethod
    def attach(cls, descriptor: int, owner: int) -> SharedTable:
        """The same memory from another process, or once more in the same; the descriptor belongs to the table then.

        ValueError when it is no table, or one of another version or size, OSError when that owner lives already; the
        descriptor stays the caller's then.
        """
        return cls(descriptor, owner)

    def next_owner(self) -> int:
        """A number from 1 to 2**31 - 1 that no other process has had; TimeoutError after a second without the lock."""
        deadline = monotonic() + _HEADER_PATIENCE
        while not self.mutexes.take(STRIPES):
            if monotonic() > deadline:
                raise TimeoutError("the header of the shared table is locked")
            sleep(self.mutexes.patience)
        try:
            number = (self._memory.owners + 1) % _HIGHEST_OWNER or 1
            self._memory.owners = number
        finally:
            self.mutexes.give(STRIPES)
        return number

    def admit(self, key: bytes, rate: float, burst: int) -> float:
        """0.0 when one more is admitted, otherwise the seconds until it would be; 2.4 µs, a refusal 1.6.

        `burst` may come at once, as in Traefik (below 1 is 1), and come back at `rate` per second. In any t seconds
        fewer than ``rate * t + burst + 1`` are admitted, and no fewer than that less 2 when ever more ask. Another rate
        or burst for a known key holds from the next call.
        """
        interval = 1.0 / rate
        spare = self.measure(key, interval, (burst - 1) * interval if burst > 1 else 0.0)
        return -spare if spare < 0.0 else 0.0

    def measure(self, key: bytes, interval: float, tolerance: float) -> float:
        """The same, telling more: seconds, below zero those until one is admitted; else one is, and further ones that
        use up to so many seconds would be at once.

        `interval` is one by the rate, `tolerance` as many intervals as the burst has more than one.
        """
        digest, bucket = self._place(key, self._rate_buckets)
        return self._rates.take(bucket, digest, self.now, interval, tolerance)

    def acquire(self, key: bytes, limit: int) -> bool:
        """Count one for this owner unless all owners together hold `limit`; 0 is no limit, but counts."""
        unrecorded = self._unrecorded.get(key, 0)
        if 0 < limit <= unrecorded:
            return False
        digest, bucket = self._place(key, self._counter_buckets)
        stripe = bucket % STRIPES
        result = None
        if self.mutexes.take(stripe):
            try:
                result = self._counters.acquire(bucket, digest, limit and limit - unrecorded)
            finally:
                self.mutexes.give(stripe)
            self._crowded += result is None
        if result is None:
            self._unrecorded[key] = unrecorded + 1
        return result is not False

    def release(self, key: bytes) -> None:
        """One that this owner acquired is over; nothing when it holds none."""
        unrecorded = self._unrecorded.pop(key, 0)
        if unrecorded > 1:
            self._unrecorded[key] = unrecorded - 1
        if not unrecorded:
            digest, bucket = self._place(key, self._counter_buckets)
            self._counters.release(bucket, digest)

    def held(self, key: bytes) -> int:
        """What all owners hold, as far as this process can see."""
        digest, bucket = self._place(key, self._counter_buckets)
        return self._counters.held(bucket, digest) + self._unrecorded.get(key, 0)

    def sweep(self) -> None:
        """Release everything that dead processes held, whoever started them; looks at the whole table, a millisecond.

        Anybody may do this at any time. Not for owner 0. What is locked is left for the next time.
        """
        if self.descriptor < 0:
            return
        held = self._counters.in_use()
        dead = {owner for owner in {owner for _, owner in held} if owner and not lives(self.descriptor, owner)}
        for slot, owner in held:
            stripe = slot // counters.WINDOW % STRIPES
            if owner in dead and self.mutexes.take(stripe):
                self._counters.forgive(slot, owner)
                self.mutexes.give(stripe)

    def state(self) -> dict[str, int]:
        """How often this process has seen what, for metrics.

        `contended`: a lock was not to be had in time, and the answer was "admitted"; `recovered`: a lock was taken
        over from a dead process; `evicted`: a busy rate was forgotten for a new key; `crowded`: there was no slot to
        count in, and the answer was "admitted".
        """
        return {
            "contended": self.mutexes.contended,
            "recovered": self.mutexes.recovered,
            "evicted": self._rates.evicted,
            "crowded": self._crowded,
        }

    def close(self) -> None:
        """Let go of the memory and the descriptor; the table must not be used any more."""
        if self.descriptor >= 0:
            self._memory.close()
            if self._life is not None:
                self._life.close()
            os.close(self.descriptor)
            self.descriptor = -1

    def _place(self, key: bytes, buckets: int) -> tuple[bytes, int]:
        """The key as the table knows it, and its bucket; who comes again is not hashed again."""
        known = self._known.get(key)
        if known is None:
            hashed = self._hash.copy()
            hashed.update(key)
            digest = hashed.digest().translate(_NOT_EMPTY)
            known = digest, int.from_bytes(digest[:4], "little")
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known[0], known[1] % buckets
