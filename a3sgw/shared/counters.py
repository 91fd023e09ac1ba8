"""So many at once: what each process holds of a key, so that what a dead one held can be given back.

A slot is a key with one number: the owner above, its count below, 0 for free. Only its owner changes the number of a
slot in use, with one aligned store. So releasing needs no lock and is never put off. What the dead have left is for
anybody who has the lock.
"""

from __future__ import annotations

from a3sgw.shared.keys import Keys

WINDOW = 256
"""Slots a key may be in: how many processes can hold of one key, less what other keys of the bucket need."""
_COUNT = 2**32 - 1
_SHIFT = 32


class Counters:
    """What an attachment that counts for `owner` does with the slots; one thread at a time."""

    def __init__(self, keys: Keys, entries: memoryview[int], owner: int) -> None:
        self._keys = keys
        self._entries = entries
        self._owner = owner

    def acquire(self, bucket: int, key: bytes, limit: int) -> bool | None:
        """Under the lock of the bucket: whether one more was within the limit, None when there was no slot for it."""
        total = 0
        mine = free = -1
        for slot in self._keys.all(bucket, key):
            entry = self._entries[slot]
            total += entry & _COUNT
            if entry == 0:
                free = slot
            elif entry >> _SHIFT == self._owner:
                mine = slot
        if 0 < limit <= total:
            return False
        if mine >= 0:
            self._entries[mine] += 1
            return True
        if free < 0:
            free = self._claim(bucket, key)
        if free < 0:
            return None
        self._entries[free] = self._owner << _SHIFT | 1
        return True

    def release(self, bucket: int, key: bytes) -> None:
        """One less for the owner, if it holds any."""
        for slot in self._keys.all(bucket, key):
            entry = self._entries[slot]
            if entry and entry >> _SHIFT == self._owner:
                # A slot with nothing left is free at once, for any key.
                self._entries[slot] = entry - 1 if entry & _COUNT > 1 else 0
                return

    def held(self, bucket: int, key: bytes) -> int:
        """By all owners; of one moment only under the lock."""
        return sum(self._entries[slot] & _COUNT for slot in self._keys.all(bucket, key))

    def in_use(self) -> list[tuple[int, int]]:
        """(slot, owner) of all that is held by anybody at this moment."""
        return [(slot, entry >> _SHIFT) for slot, entry in enumerate(self._entries.tolist()) if entry]

    def forgive(self, slot: int, owner: int) -> None:
        """Under the lock of the bucket: free a slot of an owner that is dead, and therefore does not change it.

        Without the lock it might be somebody else's by then, because others forgive as well.
        """
        if self._entries[slot] >> _SHIFT == owner:
            self._entries[slot] = 0

    def _claim(self, bucket: int, key: bytes) -> int:
        first = bucket * self._keys.window
        entries = self._entries[first : first + self._keys.window].tolist()
        if 0 not in entries:
            return -1
        slot = first + entries.index(0)
        self._keys.write(slot, key)
        return slot
