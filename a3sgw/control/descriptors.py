"""Receiving descriptors from another process."""

from __future__ import annotations

import array
import socket


def receive(end: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """At most `size` bytes and the descriptors that came with them, at most `most`, which no child process inherits;
    OSError as recvmsg(2).

    `socket.recv_fds` of Python 3.11 ignores its flags, so what it returns would be inherited.
    """
    data, ancillary, _, _ = end.recvmsg(
        size, socket.CMSG_LEN(most * array.array("i").itemsize), socket.MSG_CMSG_CLOEXEC
    )
    found = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return data, list(found)
