"""A gate behind a listening socket, without a gateway around it: what tests open and close as they like."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.observe.metrics import Metrics
from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from tests.support.gateway import config
from tests.support.wire import Wire


class Doors:
    """Opens one door after the other on the same socket, as workers do that follow each other."""

    def __init__(self, hcl: str) -> None:
        self.sweeper = Sweeper()
        self.metrics = Metrics()
        self.config = load_config(hcl)
        self.snapshot = Snapshot.compile(self.config, Parts(self.sweeper, lambda *names: (), Registry()))
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address: tuple[str, int] = self.listening.getsockname()
        self.wires: list[Wire] = []
        self.made: list[Door] = []

    async def open(self) -> Door:
        """One more that accepts."""
        gate = Gate("web", self.sweeper, self.metrics.entrypoint("web"))
        gate.apply(self.config.entrypoints["web"], self.snapshot.tables["web"])
        server = await asyncio.get_running_loop().create_server(lambda: Downstream(gate), sock=self.listening.dup())
        self.made.append(Door(gate, server))
        return self.made[-1]

    async def connect(self) -> Wire:
        """A new connection to whoever accepts."""
        raw = socket.socket()
        raw.setblocking(False)
        self.wires.append(Wire(raw))
        await asyncio.get_running_loop().sock_connect(raw, self.address)
        return self.wires[-1]


class Door:
    """A gate and what accepts for it."""

    def __init__(self, gate: Gate, server: asyncio.Server) -> None:
        self.gate = gate
        self._server = server

    def shut(self, patience: float = 0.0) -> float:
        """Accept no more; returns the time."""
        self._server.close()
        self.gate.close(patience)
        return time.monotonic()


@asynccontextmanager
async def doors(*servers: str, rule: str = "PathPrefix(`/`)", entrypoint: str = "") -> AsyncIterator[Doors]:
    """The sockets and routes of one entrypoint, as `config` writes it; everything is closed at the end."""
    made = Doors(config(*servers, rule=rule, entrypoint=entrypoint))
    made.sweeper.start()
    try:
        yield made
    finally:
        for wire in made.wires:
            wire.close()
        for door in made.made:
            door.shut()
            await door.gate.drained(1)
        made.listening.close()
        await made.snapshot.close()
        made.sweeper.stop()
