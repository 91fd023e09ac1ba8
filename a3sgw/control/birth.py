"""What the supervisor and the nursery say to each other: one datagram each, with descriptors."""

from __future__ import annotations

import struct

READY = b"r"
"""Up: workers can be forked now."""
FORK = b"f"
"""Down: make a worker of these two descriptors, its end of a channel and the shared table."""
_BORN = struct.Struct("<cI")
_ENDED = struct.Struct("<cIi")


def born(pid: int) -> bytes:
    """Up: here is one; its pidfd comes along."""
    return _BORN.pack(b"b", pid)


def ended(pid: int, code: int) -> bytes:
    """Up: this one has ended, with an exit code or the negative number of a signal."""
    return _ENDED.pack(b"e", pid, code)


def read(message: bytes) -> tuple[str, int, int]:
    """(kind, process id, exit code) of a message upwards; the kind is "" for anything that is none."""
    kind = message[:1]
    if kind == b"b" and len(message) == _BORN.size:
        return "born", int(_BORN.unpack(message)[1]), 0
    if kind == b"e" and len(message) == _ENDED.size:
        _, pid, code = _ENDED.unpack(message)
        return "ended", int(pid), int(code)
    return ("ready" if message == READY else ""), 0, 0
