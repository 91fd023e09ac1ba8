"""An endpoint that answers, hangs, resets or is not there, as told; it keeps what it was asked."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from typing import Any, Literal

from a3sgw.config.health_check import HealthCheck
from a3sgw.config.server import Server
from a3sgw.targets import Target, expand

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ILL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


def redirect(to: str) -> bytes:
    """A redirect to this address."""
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def check(**options: Any) -> HealthCheck:
    """As an operator writes it, with an interval for tests."""
    return HealthCheck.model_validate({"interval": 0.02, "timeout": 20, **options})


def target(url: str, name: str = "", **options: Any) -> Target:
    """The one target of this URL; with a `name`, as if it had been found by that."""
    (found,) = expand([Server.model_validate({"url": url, **options})], {})
    return Target(found.url, found.server, found.scheme, found.host, found.port, found.path, name or found.name, 1)


async def settle() -> None:
    """Before a server is closed: asyncio loses a connection when that is between accepting it and telling of it."""
    for _ in range(10):
        await asyncio.sleep(0)


class Endpoint:
    """Listens on a port or a Unix socket; each connection is for one request."""

    def __init__(self) -> None:
        self.answers: dict[bytes, bytes] = {}
        """By path, where it is not `answer`."""
        self.answer = OK
        self.mode: Literal["answer", "hang", "reset"] = "answer"
        self.requests: list[bytes] = []
        self.open_now = self.most_at_once = 0
        self.news = asyncio.Event()
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self, path: str = "", tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        """Start to listen."""
        if path:
            self._server = await asyncio.start_unix_server(self._serve, path)
        else:
            self._server = await asyncio.start_server(self._serve, host, self.port, ssl=tls)
            self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Refuse from now on; `open` listens on the same port again."""
        self._server.close()

    async def end(self) -> None:
        """Refuse, and wait until nothing is open any more."""
        await settle()
        self.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def asked_more(self, times: int) -> None:
        """Wait until it was asked so many times more."""
        goal = len(self.requests) + times
        while len(self.requests) < goal:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.open_now += 1
        self.most_at_once = max(self.most_at_once, self.open_now)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the probe has seen enough
        finally:
            self.open_now -= 1
            self._serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(request)
        self.news.set()
        if self.mode == "hang":
            await reader.read()
        elif self.mode == "reset":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.write(self.answers.get(request.split(b" ", 2)[1], self.answer))
            await writer.drain()
