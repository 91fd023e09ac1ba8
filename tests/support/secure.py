"""A client that speaks TLS, and shows a certificate if it has one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trustme

from tests.support.wire import WAIT, Message, Wire


class SecureWire(Wire):
    """The same reader of HTTP messages over TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = b""

    async def send(self, *pieces: bytes) -> None:
        """Write each piece."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    async def more(self) -> bytes:
        """Whatever comes next, ``b""`` at the end; OSError (ssl.SSLError is one) when TLS or TCP break."""
        async with asyncio.timeout(WAIT):
            return await self._reader.read(1 << 18)


def believing_all(shown: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """A client's context that trusts every server, as ``curl -k``; `shown` is its own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown is not None:
        shown.configure_cert(context)
    return context


@asynccontextmanager
async def secure_wire(
    address: str, context: ssl.SSLContext, server_name: str = "a.example"
) -> AsyncIterator[SecureWire]:
    """A connection after its handshake; closed at the end, whatever has become of it."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=server_name)
    try:
        yield SecureWire(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:  # the gateway has ended it first
            pass


async def ask(address: str, context: ssl.SSLContext, fields: bytes = b"") -> Message:
    """The answer to one request, on a connection of its own; `fields` are whole lines."""
    async with secure_wire(address, context) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n%b\r\n" % fields)
        return await wire.message()
