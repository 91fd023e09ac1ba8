"""A column of keys in buckets: a key can be in any slot of its one bucket, so looking for it is one search."""

from __future__ import annotations

import mmap

from a3sgw.shared.memory import KEY


class Keys:
    """`slots` keys of 16 bytes from byte `start` of the memory, in buckets of `window` slots each."""

    def __init__(self, memory: mmap.mmap, start: int, slots: int, window: int) -> None:
        self._memory = memory
        self._start = start
        self._bytes = window * KEY
        self.window = window
        self.buckets = slots // window

    def find(self, bucket: int, key: bytes) -> int:
        """The slot of a key, -1 when it is not there."""
        first = self._start + bucket * self._bytes
        at = self._memory[first : first + self._bytes].find(key)
        if at % KEY:  # not there, or a match that begins inside a key
            found = self.all(bucket, key)
            return found[0] if found else -1
        return bucket * self.window + at // KEY

    def all(self, bucket: int, key: bytes) -> list[int]:
        """Every slot of a key."""
        first = self._start + bucket * self._bytes
        keys = self._memory[first : first + self._bytes]
        found = []
        at = keys.find(key)
        while at >= 0:
            if at % KEY == 0:
                found.append(bucket * self.window + at // KEY)
            at = keys.find(key, at + 1)
        return found

    def has(self, slot: int, key: bytes) -> bool:
        """Whether this is (still) the key of the slot."""
        first = self._start + slot * KEY
        return self._memory[first : first + KEY] == key

    def write(self, slot: int, key: bytes) -> None:
        """Put a key into a slot whose value says that it is free: whoever is killed here leaves it free."""
        first = self._start + slot * KEY
        self._memory[first : first + KEY] = key
