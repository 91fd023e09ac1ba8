"""An entrypoint for connections, of HTTP and TCP: listening sockets in front of a gate."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable

from a3sgw.listeners import BACKLOG, named
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.proxy.arrival import Arrival
from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate
from a3sgw.shared.table import SharedTable
from a3sgw.sweeper import Sweeper


class StreamEntrypoint:
    """`gate` is what its connections share, and what a reload changes."""

    def __init__(
        self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics, table: SharedTable | None = None
    ) -> None:
        """`table` counts connections for all processes that share it."""
        self.gate = Gate(name, sweeper, metrics, table)
        self._servers: list[asyncio.Server] = []

    def __repr__(self) -> str:
        return f"<StreamEntrypoint [{self.gate.name}, {len(self.gate.connections)} connections]>"

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Accept from these sockets, and close them when it stops."""
        loop = asyncio.get_running_loop()
        for one in sockets:
            if one.family != socket.AF_UNIX:  # inherited by what is accepted; uvloop does it anyway, asyncio does not
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            create = loop.create_unix_server if one.family == socket.AF_UNIX else loop.create_server
            self._servers.append(await create(self._connection, sock=one, backlog=BACKLOG))

    async def listen_only(self, sockets: Iterable[socket.socket]) -> None:
        """Accept from these sockets and no others; of one that it has already, what is given is closed."""
        wanted = {os.fstat(one.fileno()).st_ino: one for one in sockets}
        kept = []
        for server in self._servers:
            given = [wanted.pop(node, None) for node in (os.fstat(one.fileno()).st_ino for one in server.sockets)]
            for one in given:
                if one is not None:
                    one.close()
            if any(given):
                kept.append(server)
            else:
                server.close()  # others have it too: whoever waits there is not turned away
        self._servers = kept
        await self.listen(wanted.values())

    async def take_over(self, other: StreamEntrypoint) -> None:
        """Accept from the sockets of `other` too, which then can stop without a client being turned away."""
        await self.listen([socket.socket(fileno=os.dup(one.fileno())) for one in other._sockets()])

    def _sockets(self) -> list[socket.socket]:
        return [one for server in self._servers for one in server.sockets]

    def _connection(self) -> Arrival | Downstream:
        switch = self.gate.switch
        return Downstream(self.gate) if switch is None else Arrival(self.gate, switch)

    @property
    def addresses(self) -> list[str]:
        """What it really listens on, as ``host:port`` or ``unix:/path``: port 0 has become a real one."""
        return [named(one) for one in self._sockets()]

    def stop(self, patience: float = 0.0, seconds: float = 0.0) -> None:
        """Accept no more; connections end after the answer they owe, idle ones once quiet for `patience` seconds, and
        those that have no end of their own within `seconds`."""
        while self._servers:
            self._servers.pop().close()
        self.gate.close(patience, seconds)
