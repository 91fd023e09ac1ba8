"""What endpoints do that are not well, to be played by an `Origin`."""

from __future__ import annotations

import asyncio

from tests.support.origin import Part
from tests.support.wire import Message, Wire


def answers(status: int, body: bytes = b"", *fields: bytes) -> Part:
    """Every request alike."""
    lines = b"".join(b"%b\r\n" % field for field in fields)

    async def part(wire: Wire, request: Message) -> None:
        await wire.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), lines, body))

    return part


async def hangs(wire: Wire, request: Message) -> None:
    """Takes the request and never says a word."""
    await asyncio.Event().wait()


async def resets(wire: Wire, request: Message) -> bool:
    """Takes the request and is gone."""
    wire.reset()
    return False


async def resets_within_head(wire: Wire, request: Message) -> bool:
    """Is gone before the head is whole."""
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    wire.reset()
    return False


async def closes_within_body(wire: Wire, request: Message) -> bool:
    """Promises ten bytes and sends three: a lie about the length."""
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    return False


async def talks_nonsense(wire: Wire, request: Message) -> bool:
    """Answers with something that is no HTTP."""
    await wire.send(b"\x16\x03\x01 hello\r\n\r\n")
    return False


async def lies_about_length(wire: Wire, request: Message) -> bool:
    """Says two different lengths."""
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")
    return False
