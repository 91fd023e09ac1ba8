"""What the kernel holds of a connection, asked on a real one."""

from __future__ import annotations

import asyncio
import socket

from a3sgw.unsent import unread, unsent


async def test_bytes_on_both_sides() -> None:
    """What the other side has not taken is counted here, what has come but is not read there; both go to nothing."""
    here, there = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=here)
    other, _ = await loop.create_connection(asyncio.Protocol, sock=there)
    assert (unsent(transport), unread(other)) == (0, 0)
    other.pause_reading()
    transport.write(b"x" * 1000)
    assert unread(other) == 1000
    assert unsent(transport) >= 1000
    other.resume_reading()
    while unsent(transport):
        await asyncio.sleep(0)
    assert unread(other) == 0
    transport.close()
    other.close()
    await asyncio.sleep(0)
    assert (unsent(transport), unread(transport)) == (0, 0)
