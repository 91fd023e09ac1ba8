"""How many bytes of a connection the other side has not taken yet: whether it reads slowly or not at all."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios


def unsent(transport: asyncio.Transport) -> int:
    """Bytes in the transport's buffer and those the kernel holds that are not acknowledged (tcp(7), TIOCOUTQ).

    A buffer's marks tell much less: the kernel takes more only when a third of up to 4 MB is free again, which a slow
    reader may need minutes for.
    """
    raw = transport.get_extra_info("socket")
    held = 0
    if raw is not None and raw.fileno() >= 0:
        try:
            held = struct.unpack("i", fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        except OSError:
            held = 0
    return transport.get_write_buffer_size() + int(held)
