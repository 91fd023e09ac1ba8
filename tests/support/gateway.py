"""The real gateway in this process, on real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from a3sgw import Gateway, load_config
from tests.support.origin import Origin
from tests.support.wire import Message, Wire


def config(
    *servers: str,
    rule: str = "PathPrefix(`/`)",
    entrypoint: str = "",
    router: str = "",
    balancer: str = "",
    service: str = "",
    more: str = "",
) -> str:
    """HCL with one entrypoint, one router and one service; the other texts are inserted into their blocks."""
    listed = ", ".join(server if server.startswith("{") else f'{{ url = "{server}" }}' for server in servers)
    return f"""
    shutdown_timeout_secs = 1
    entrypoints "web" {{
      address = "127.0.0.1:0"
      {entrypoint}
    }}
    routers "all" {{
      rule    = "{rule}"
      service = "origin"
      {router}
    }}
    services "origin" {{
      load_balancer {{
        servers = [{listed}]
        {balancer}
      }}
      {service}
    }}
    {more}
    """


class Running:
    """A started gateway and its clients; `records` is its access log, complete once it has stopped."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.records: list[dict[str, Any]] = []
        self._wires: list[Wire] = []

    async def connect(self, entrypoint: str = "web", receive_buffer: int = 0) -> Wire:
        """A new connection to an entrypoint; `receive_buffer` limits what the kernel reads ahead."""
        address = self.gateway.addresses[entrypoint][0].removeprefix("unix:")
        path = address.startswith("/")
        host, _, port = address.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        raw = socket.socket(socket.AF_UNIX if path else family)
        raw.setblocking(False)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        wire = Wire(raw)
        self._wires.append(wire)
        await asyncio.get_running_loop().sock_connect(raw, address if path else (host.strip("[]"), int(port)))
        return wire

    async def ask(self, request: bytes) -> Message:
        """The answer to one request, on a connection of its own."""
        wire = await self.connect()
        await wire.send(request)
        answer = await wire.message(to=request.split(b" ", 1)[0])
        wire.close()
        return answer

    async def deserted(self, within: float = 1.0) -> bool:
        """Whether the entrypoint has no connection any more, at the latest `within` seconds from now."""
        loop = asyncio.get_running_loop()
        late = loop.time() + within
        while connections := self.gateway.health()["entrypoints"]["web"]["connections"]:
            if loop.time() > late:
                return False
            await asyncio.sleep(0.01)
        return bool(connections == 0)

    def close_clients(self) -> None:
        """Close every connection made by `connect`."""
        for wire in self._wires:
            wire.close()


@asynccontextmanager
async def gateway(hcl: str) -> AsyncIterator[Running]:
    """Run this configuration; its access log goes to a file of its own."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "access.log"
        running = Running(Gateway(load_config(f'{hcl}\naccess_log {{ file = "{log}" }}\n')))
        await running.gateway.start()
        try:
            yield running
        finally:
            running.close_clients()
            await running.gateway.shutdown()
            running.records += [json.loads(line) for line in log.read_text().splitlines()]


class Stage:
    """A client, a gateway and an origin, ready to play."""

    def __init__(self, client: Wire, origin: Origin, running: Running) -> None:
        self.client = client
        self.origin = origin
        self.running = running

    @property
    def records(self) -> list[dict[str, Any]]:
        """The access log, once the stage is over."""
        return self.running.records

    async def forwarded(self, request: bytes) -> Message:
        """Send a request and return it as the origin got it; the origin's answer is read, too."""
        await self.client.send(request)
        there = self.origin.wires[-1] if self.origin.wires else await self.origin.accept()
        seen = await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert (await self.client.message(to=request.split(b" ", 1)[0])).status == 200
        return seen


@asynccontextmanager
async def stage(
    *,
    rule: str = "PathPrefix(`/`)",
    entrypoint: str = "",
    router: str = "",
    balancer: str = "",
    more: str = "",
    receive_buffer: int = 0,
) -> AsyncIterator[Stage]:
    """One client connected to a gateway with one origin behind it."""
    async with Origin() as origin:
        hcl = config(origin.url, rule=rule, entrypoint=entrypoint, router=router, balancer=balancer, more=more)
        async with gateway(hcl) as running:
            yield Stage(await running.connect(receive_buffer=receive_buffer), origin, running)
