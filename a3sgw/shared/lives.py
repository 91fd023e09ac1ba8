"""Who is alive: each owner holds a lock on a byte of its own, which the kernel takes away at its death of any kind.

They are locks of open file descriptions (F_OFD_SETLK, fcntl(2)). The older ones, of processes, would be lost with the
first descriptor of the file that the process closes. A description is shared by all to whom a descriptor was passed,
so every owner opens one for itself.
"""

from __future__ import annotations

import fcntl
import os
import struct

_FIRST = 2**40
"""The byte of owner 0, far behind the memory; there need not be any for a lock."""
_FLOCK = struct.Struct("hhqqi0q")
"""type, whence, start, length, process."""


class Life:
    """Begins when it is made; ends with `close`, or with the process."""

    def __init__(self, descriptor: int, owner: int) -> None:
        """`descriptor` is the memory's and stays the caller's; OSError, also when that owner lives already."""
        self._descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _lock(owner))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Whatever this owner holds is no longer its own."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lives(descriptor: int, owner: int) -> bool:
    """Whether an owner is alive, in whatever process."""
    found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _lock(owner))
    kind: int = _FLOCK.unpack(found)[0]
    return kind != fcntl.F_UNLCK


def _lock(owner: int) -> bytes:
    return _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FIRST + owner, 1, 0)
