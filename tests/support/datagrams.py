"""Endpoints and clients that speak UDP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.support.wire import WAIT

Answer = Callable[[bytes], list[bytes]]


class Speaker:
    """Answers each datagram, by default with its name, a space and what it was sent; `heard` says by whom."""

    def __init__(self, name: str = "", port: int = 0, answer: Answer | None = None, host: str = "127.0.0.1") -> None:
        self.heard: list[tuple[bytes, Any]] = []
        """(datagram, from where)."""
        self.answer = answer or (lambda data: [f"{name} ".encode() + data])
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self._socket.bind((host, port))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"udp://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._news = asyncio.Event()

    async def __aenter__(self) -> Speaker:
        asyncio.get_running_loop().add_reader(self._socket, self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """From now on its port is closed; more calls change nothing."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def say(self, data: bytes, to: Any) -> None:
        """Send without being asked."""
        self._socket.sendto(data, to)

    async def hears(self, count: int = 1) -> list[tuple[bytes, Any]]:
        """Wait until it has heard so many datagrams."""
        async with asyncio.timeout(WAIT):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard

    def _readable(self) -> None:
        while True:
            try:
                data, address = self._socket.recvfrom(65536)
            except OSError:  # nothing more, or an earlier answer was not wanted
                return
            self.heard.append((data, address))
            self._news.set()
            for one in self.answer(data):
                self._socket.sendto(one, address)


class Asker:
    """A client that is bound to one port and hears only the address it talks to."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self._socket.connect((host.strip("[]"), int(port)))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """One datagram."""
        self._socket.send(data)

    async def receive(self, seconds: float = WAIT) -> bytes:
        """The next datagram; TimeoutError when there is none."""
        async with asyncio.timeout(seconds):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65536)

    async def ask(self, data: bytes) -> bytes:
        """Send and receive."""
        self.send(data)
        return await self.receive()

    async def asks(self, data: bytes) -> bytes:
        """The same, again and again until there is an answer to this, as resolvers do: the answer ends with it."""
        for _ in range(100):
            self.send(data)
            try:
                while not (answer := await self.receive(0.1)).endswith(data):
                    pass  # to one that was asked twice
            except (TimeoutError, ConnectionRefusedError):
                continue
            else:
                return answer
        raise TimeoutError("no answer")
