"""Servers that are not HTTP."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType


class TcpServer:
    """Says `greeting` first, then repeats what it hears behind its `name`, and its end after the client's."""

    def __init__(self, name: bytes = b"", greeting: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.greeting = greeting
        self.heard: list[bytes] = []
        """What each connection has said, in the order they came."""
        self.writers: list[asyncio.StreamWriter] = []
        self.came = asyncio.Event()
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> TcpServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """As servers are written."""
        return f"tcp://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Be gone: connections break, new ones are refused."""
        if self._server is not None:
            self._server.close()
            for writer in self.writers:
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        index = len(self.heard)
        self.heard.append(b"")
        self.writers.append(writer)
        self.came.set()
        if self.greeting:
            writer.write(self.greeting)
        try:
            while data := await reader.read(65536):
                self.heard[index] += data
                writer.write(self.name + data)
                await writer.drain()
            writer.write(b"bye" if self.name else b"")
            writer.close()
        except OSError:
            writer.transport.abort()
