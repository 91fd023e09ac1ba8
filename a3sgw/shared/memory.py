"""The memory behind the table: where everything is in it, and how a process gets hold of it.

One page of header, the mutexes, and four columns: keys and times of rates, keys and entries of counters. Untouched
pages cost nothing. The file has no name; whoever has its descriptor can map it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import struct

from a3sgw.shared.mutex import SIZE, Mutexes

STRIPES = 64
"""Locks for keys; one more is for the header."""
KEY = 16
"""Bytes of a key."""
GRAIN = 256
"""The number of slots is a multiple of this, so that the buckets of both kinds fill it."""

_HEADER = struct.Struct("<8sIII16s")
_MAGIC = b"a3sgwtab"
_VERSION = 2
_OWNERS = slice(16, 20)
_FIRST_MUTEX = 4096
_FIRST_COLUMN = 3 * 4096
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
"""Nobody who has the descriptor can cut the memory off under another process."""
_SLOT = 2 * (KEY + 8)


class Memory:
    """One mapping. `rate_keys` and `counter_keys` begin at these bytes of `map`; the views have an item per slot."""

    def __init__(self, descriptor: int) -> None:
        """Map what `create` made, here or elsewhere; ValueError when it is something else."""
        size = os.fstat(descriptor).st_size
        if size <= _FIRST_COLUMN:
            raise ValueError(f"not a shared table: {size} bytes")
        self.map = mmap.mmap(descriptor, size)
        magic, version, self.slots, _, self.seed = _HEADER.unpack_from(self.map)
        if (magic, version) != (_MAGIC, _VERSION) or size != _FIRST_COLUMN + self.slots * _SLOT:
            self.map.close()
            raise ValueError(f"not a shared table of version {_VERSION}: {size} bytes")
        whole = memoryview(self.map)
        self.rate_keys = _FIRST_COLUMN
        self.counter_keys = self.rate_keys + self.slots * KEY
        times = self.counter_keys + self.slots * KEY
        entries = times + self.slots * 8
        self.times = whole[times:entries].cast("d")
        self.entries = whole[entries:].cast("q")
        self._views = (self.times, self.entries, whole)
        # The object that gives the address is dropped at once: one that stays would keep the map from being closed.
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.mutexes = Mutexes(address + _FIRST_MUTEX, STRIPES + 1)

    @staticmethod
    def create(slots: int) -> int:
        """A descriptor of new memory for this many slots, rounded up to a multiple of 256; OSError."""
        slots = max(1, -(-slots // GRAIN)) * GRAIN
        if not hasattr(os, "memfd_create"):
            raise OSError(errno.ENOSYS, "this platform has no memory for limits shared by processes")
        descriptor = os.memfd_create("a3sgw-table", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, _FIRST_COLUMN + slots * _SLOT)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            os.pwrite(descriptor, _HEADER.pack(_MAGIC, _VERSION, slots, 0, os.urandom(KEY)), 0)
            made = Memory(descriptor)
            try:
                made.mutexes.create()
            finally:
                made.close()
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @property
    def owners(self) -> int:
        """The owner number given out last; only to be changed under the lock of the header."""
        return int.from_bytes(self.map[_OWNERS], "little")

    @owners.setter
    def owners(self, number: int) -> None:
        self.map[_OWNERS] = number.to_bytes(4, "little")

    def close(self) -> None:
        """Unmap; the memory itself lives until the last process has."""
        self.mutexes.close()
        for view in self._views:
            view.release()
        self.map.close()


assert _FIRST_MUTEX + (STRIPES + 1) * SIZE <= _FIRST_COLUMN
