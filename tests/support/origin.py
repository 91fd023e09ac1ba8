"""A server that does exactly what a test tells it, on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import TracebackType

from a3sgw.tasks import spawn
from tests.support.wire import WAIT, Message, Wire

Part = Callable[[Wire, Message], Awaitable[bool | None]]
"""What an origin does about one request on one connection."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Origin:
    """Listens on a port of 127.0.0.1, or on a unix socket at `path`.

    Either the test accepts connections and plays each one itself, or `always` answers every request alike.
    """

    def __init__(self, path: str = "") -> None:
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._listener.setblocking(False)
        self._listener.bind(path or ("127.0.0.1", 0))
        self._listener.listen(128)
        self.port = 0 if path else int(self._listener.getsockname()[1])
        """The TCP port."""
        self._path = path
        self.wires: list[Wire] = []
        """Every connection accepted so far."""
        self.requests: list[Message] = []
        """What `always` has answered."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """As a server of a service."""
        return f"unix:{self._path}" if self._path else f"http://127.0.0.1:{self.port}"

    async def accept(self) -> Wire:
        """The next connection."""
        async with asyncio.timeout(WAIT):
            raw, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self.wires.append(Wire(raw))
        return self.wires[-1]

    def always(self, answer: bytes = OK) -> None:
        """From now on, answer every request of every connection with these bytes."""
        self._tasks.append(spawn(self._accept_all(answer), "origin"))

    async def _accept_all(self, answer: bytes) -> None:
        loop = asyncio.get_running_loop()
        while True:
            raw, _ = await loop.sock_accept(self._listener)
            self.wires.append(Wire(raw))
            self._tasks.append(spawn(self._answer_all(self.wires[-1], answer), "origin connection"))

    async def _answer_all(self, wire: Wire, answer: bytes) -> None:
        while True:
            try:
                self.requests.append(await wire.message())
                await wire.send(answer)
            except TimeoutError:  # idle for too long, and it says so
                wire.close()
                return
            except (EOFError, OSError):
                return

    def play(self, part: Part) -> None:
        """From now on, do this for every request; a connection on which it returns False is closed after it."""
        self._tasks.append(spawn(self._accept_and_play(part), "origin"))

    async def _accept_and_play(self, part: Part) -> None:
        loop = asyncio.get_running_loop()
        while True:
            raw, _ = await loop.sock_accept(self._listener)
            self.wires.append(Wire(raw))
            self._tasks.append(spawn(self._play_all(self.wires[-1], part), "origin connection"))

    async def _play_all(self, wire: Wire, part: Part) -> None:
        going = True
        while going:
            try:
                request = await wire.message()
                self.requests.append(request)
                going = await part(wire, request) is not False
            except (EOFError, OSError, TimeoutError):
                return
        wire.close()

    def refuse(self) -> None:
        """Listen no more: connections are refused from now on."""
        self._listener.close()

    async def leave(self) -> None:
        """End it as a process does that is killed: its connections are reset, new ones refused."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in self.wires:
            if wire.socket.fileno() >= 0:
                wire.reset()
        self._listener.close()

    async def __aenter__(self) -> Origin:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in self.wires:
            wire.close()
        self._listener.close()
