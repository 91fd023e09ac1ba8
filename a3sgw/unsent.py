"""What the kernel holds of a connection: bytes the other side has not taken yet, and bytes we have not read yet."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios


def unsent(transport: asyncio.Transport) -> int:
    """Bytes in the transport's buffer and those the kernel holds that are not acknowledged (tcp(7), TIOCOUTQ).

    A buffer's marks tell much less: the kernel takes more only when a third of up to 4 MB is free again, which a slow
    reader may need minutes for.
    """
    return transport.get_write_buffer_size() + _held(transport, termios.TIOCOUTQ)


def unread(transport: asyncio.Transport) -> int:
    """Bytes that have arrived and that nobody has looked at (FIONREAD)."""
    return _held(transport, termios.FIONREAD)


def is_lost(transport: asyncio.Transport) -> bool:
    """Whether it cannot be told any more where a connection came from, because it has been reset: nothing that depends
    on the address may be decided then. Socket files have none from the start."""
    raw = transport.get_extra_info("socket")
    return raw is not None and raw.family != socket.AF_UNIX and not transport.get_extra_info("peername")


def _held(transport: asyncio.Transport, what: int) -> int:
    raw = transport.get_extra_info("socket")
    if raw is None or raw.fileno() < 0:
        return 0
    try:
        return int(struct.unpack("i", fcntl.ioctl(raw.fileno(), what, bytes(4)))[0])
    except OSError:
        return 0
