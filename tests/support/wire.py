"""One end of a TCP or unix connection, byte by byte: what tests send and what they really got."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass
from typing import Literal

WAIT = 5.0
"""Seconds after which a test that waits for bytes has failed."""


@dataclass(frozen=True)
class Message:
    """A request or response as it was on the wire; `body` is decoded, `trailers` are the field lines behind it."""

    line: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    trailers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.line.split(b" ")[1])

    @property
    def method(self) -> bytes:
        """The method of a request."""
        return self.line.split(b" ")[0]

    @property
    def target(self) -> bytes:
        """The target of a request."""
        return self.line.split(b" ")[1]

    def all(self, name: bytes) -> list[bytes]:
        """Every value of `name` (lower case), in order."""
        return [value for key, value in self.fields if key.lower() == name]

    def get(self, name: bytes) -> bytes | None:
        """The only value of `name`, None without one; two of them are an error."""
        values = self.all(name)
        assert len(values) < 2, f"{name!r} stands there {len(values)} times"
        return values[0] if values else None

    @property
    def names(self) -> list[bytes]:
        """Names of the fields, in lower case and in order."""
        return [name.lower() for name, _ in self.fields]


class Wire:
    """A connected socket with a reader of HTTP messages that is not the gateway's own."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        self.socket = raw
        self._buffer = b""

    # Sending...

    async def send(self, *pieces: bytes) -> None:
        """Write each piece with a call of its own, so that they may arrive separately."""
        for piece in pieces:
            await asyncio.get_running_loop().sock_sendall(self.socket, piece)

    def half_close(self) -> None:
        """Say that nothing more will be sent (FIN)."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close in order (FIN, or RST when something is unread); a second call changes nothing."""
        self.socket.close()

    # Reading...

    async def more(self) -> bytes:
        """Whatever comes next, ``b""`` at a FIN; ConnectionResetError at a RST."""
        async with asyncio.timeout(WAIT):
            return await asyncio.get_running_loop().sock_recv(self.socket, 1 << 18)

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        while len(self._buffer) < count:
            await self._grow()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    async def until(self, end: bytes) -> bytes:
        """Everything through `end`."""
        while end not in self._buffer:
            await self._grow()
        position = self._buffer.index(end) + len(end)
        data, self._buffer = self._buffer[:position], self._buffer[position:]
        return data

    async def rest(self) -> bytes:
        """Everything until a FIN; ConnectionResetError at a RST."""
        while piece := await self.more():
            self._buffer += piece
        data, self._buffer = self._buffer, b""
        return data

    async def end(self) -> tuple[bytes, Literal["FIN", "RST"]]:
        """Everything until the connection ends, and how it ended."""
        try:
            while piece := await self.more():
                self._buffer += piece
            how: Literal["FIN", "RST"] = "FIN"
        except ConnectionResetError:
            how = "RST"
        data, self._buffer = self._buffer, b""
        return data, how

    async def head(self) -> Message:
        """A start line and its fields; the body, if any, is left to be read."""
        start, *lines = (await self.until(b"\r\n\r\n"))[:-4].split(b"\r\n")
        return Message(start, tuple(_field(line) for line in lines))

    async def message(self, to: bytes = b"GET") -> Message:
        """A whole request, or the whole response to a request of method `to`, with its body and trailers."""
        head = await self.head()
        response = head.line.startswith(b"HTTP/")
        if response and (to == b"HEAD" or head.status < 200 or head.status in (204, 304)):
            return head
        length = head.get(b"content-length")
        if head.get(b"transfer-encoding") is not None:
            assert head.get(b"transfer-encoding") == b"chunked"
            assert length is None, "two framings"
            body, trailers = await self._chunked()
            return Message(head.line, head.fields, body, trailers)
        if length is not None:
            return Message(head.line, head.fields, await self.read(int(length)))
        return Message(head.line, head.fields, await self.rest()) if response else head

    async def final(self, to: bytes = b"GET") -> Message:
        """The response that is none of the interim ones (1xx), which may precede it."""
        while (answer := await self.message(to)).status < 200:
            pass
        return answer

    async def chunk(self) -> bytes:
        """One chunk of chunked coding, decoded; ``b""`` for the last, whose trailers are left to be read."""
        line = await self.until(b"\r\n")
        assert re.fullmatch(rb"[0-9a-f]+\r\n", line), f"not a chunk size: {line!r}"
        size = int(line, 16)
        if size == 0:
            return b""
        data = await self.read(size + 2)
        assert data[-2:] == b"\r\n"
        return data[:-2]

    async def _chunked(self) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        trailers = []
        while (line := await self.until(b"\r\n")) != b"\r\n":
            trailers.append(_field(line[:-2]))
        return b"".join(pieces), tuple(trailers)

    async def _grow(self) -> None:
        piece = await self.more()
        if not piece:
            raise EOFError(f"the connection ended after {self._buffer[-200:]!r}")
        self._buffer += piece


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    assert colon, f"not a field line: {line!r}"
    return name, value.strip()
