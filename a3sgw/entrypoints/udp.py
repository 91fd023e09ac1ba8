"""A UDP entrypoint: bound sockets in front of a gate."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from a3sgw.listeners import named
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.proxy.datagrams import Datagrams, Port, port
from a3sgw.shared.table import SharedTable
from a3sgw.sweeper import Sweeper


class UdpEntrypoint:
    """`gate` is what its sessions share, and what a reload changes."""

    def __init__(
        self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics, table: SharedTable | None = None
    ) -> None:
        """`table` is for what processes count together."""
        self.gate = Datagrams(name, sweeper, metrics, table)
        self._ports: list[Port] = []

    def __repr__(self) -> str:
        return f"<UdpEntrypoint [{self.gate.name}, {len(self.gate.connections)} sessions]>"

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Receive from these sockets, and close them when it stops."""
        for one in sockets:
            self._ports.append(port(one, self.gate))
            self._ports[-1].start()

    async def listen_only(self, sockets: Iterable[socket.socket]) -> None:
        """Receive from these sockets and no others; of one that it has already, what is given is closed."""
        wanted = {os.fstat(one.fileno()).st_ino: one for one in sockets}
        kept = []
        for has in self._ports:
            given = wanted.pop(os.fstat(has.socket.fileno()).st_ino, None)
            if given is not None:
                given.close()
                kept.append(has)
            else:
                has.stop()
        self._ports = kept
        await self.listen(wanted.values())

    async def take_over(self, other: UdpEntrypoint) -> None:
        """Receive from the sockets of `other` too, which then can stop without a datagram being lost."""
        await self.listen([socket.socket(fileno=os.dup(one.socket.fileno())) for one in other._ports])

    @property
    def addresses(self) -> list[str]:
        """What it really listens on, as ``host:port``: port 0 has become a real one."""
        return [named(one.socket) for one in self._ports]

    def stop(self, patience: float = 0.0, seconds: float = 0.0) -> None:
        """Receive nothing new; sessions that wait for a reply still get it, within a second."""
        while self._ports:
            self._ports.pop().stop()
        self.gate.close(patience)
