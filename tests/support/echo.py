"""An origin that answers every request with what it was asked, as JSON."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any

from tests.support.origin import Origin
from tests.support.wire import Message, Wire

Answer = Callable[[Message], bytes]


class Echo(Origin):
    """`name` is in every answer; `answer` may decide otherwise, and `wait` holds answers back while it is not set."""

    def __init__(self, name: str, path: str = "", answer: Answer | None = None) -> None:
        super().__init__(path)
        self.name = name
        self.answer = answer
        self.wait = asyncio.Event()
        self.wait.set()
        self.always()

    async def __aenter__(self) -> Echo:
        return self

    async def stop(self) -> None:
        """Be gone: connections close, new ones are refused."""
        await self.__aexit__(None, None, None)

    async def _answer_all(self, wire: Wire, answer: bytes) -> None:
        while True:
            try:
                request = await wire.message()
                self.requests.append(request)
                await self.wait.wait()
                await wire.send(self.answer(request) if self.answer else self.echo(request))
            except TimeoutError:  # idle for too long, and it says so
                wire.close()
                return
            except (EOFError, OSError):
                return

    def echo(self, request: Message) -> bytes:
        """Who answers, and what arrived: the target and the fields with names in lower case."""
        return ok(
            json.dumps(
                {
                    "name": self.name,
                    "target": request.target.decode(),
                    "fields": {name.decode().lower(): value.decode() for name, value in request.fields},
                }
            ).encode()
        )


def ok(body: bytes, fields: bytes = b"Server: echo\r\n") -> bytes:
    """200 with this body and these field lines."""
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


def echoed(answer: Message) -> dict[str, Any]:
    """What an echo has said."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


class SecureEcho:
    """The same over TLS, for as long as it is entered; `port` is where."""

    def __init__(self, name: str, tls: ssl.SSLContext) -> None:
        self.name = name
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            host = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"host:"))
            body = json.dumps({"name": self.name, "host": host[5:].strip().decode()}).encode()
            writer.write(ok(body))
        writer.close()

    async def __aenter__(self) -> SecureEcho:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._server.close()
        await self._server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
