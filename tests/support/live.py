"""A gateway that runs on files, and the edits an operator makes to them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from a3sgw import Gateway
from tests.support.gateway import Running
from tests.support.wire import WAIT, Message, Wire

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def hcl(origin: str, version: str = "1", more: str = "", service: str = "", router: str = "") -> str:
    """One entrypoint, one route and one service; every answer carries `version` in X-Version."""
    return f"""
shutdown_timeout_secs = 1
entrypoints "web" {{ address = "127.0.0.1:0" }}
admin {{ address = "127.0.0.1:0" }}
access_log {{ enabled = false }}
routers "all" {{
  rule        = "PathPrefix(`/`)"
  service     = "origin"
  middlewares = ["version"]
  {router}
}}
middlewares "version" {{
  type             = "headers"
  response_headers = {{ "X-Version" = "{version}" }}
}}
services "origin" {{
  load_balancer {{
    servers = [{{ url = "{origin}" }}]
    {service}
  }}
}}
{more}
"""


async def until(condition: Callable[[], Awaitable[object] | object], what: str, within: float = WAIT) -> None:
    """Ask again and again until `condition` holds; fails after `within` seconds and says `what` did not come true."""
    loop = asyncio.get_running_loop()
    late = loop.time() + within
    while True:
        held = condition()
        if await held if isinstance(held, Awaitable) else held:
            return
        assert loop.time() < late, f"not within {within} s: {what}"
        await asyncio.sleep(0.005)


async def dial(address: str) -> Wire:
    """A connection to ``host:port`` or ``unix:/path``; ConnectionRefusedError when nobody listens there."""
    path = address.removeprefix("unix:") if address.startswith("unix:") else ""
    host, _, port = address.rpartition(":")
    family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
    raw = socket.socket(family)
    raw.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(raw, path or (host.strip("[]"), int(port)))
    except BaseException:
        raw.close()
        raise
    return Wire(raw)


async def fetch(address: str, target: str = "/", fields: str = "") -> Message:
    """The answer to one GET on a connection of its own; `fields` are more field lines, each with its line end."""
    wire = await dial(address)
    try:
        await wire.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
        return await wire.message()
    finally:
        wire.close()


async def refused(address: str) -> bool:
    """Whether nobody listens at `address`, or stops doing so at this moment, which resets whoever comes."""
    try:
        (await dial(address)).close()
    except (ConnectionRefusedError, ConnectionResetError, FileNotFoundError):
        return True
    return False


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Live(Running):
    """A started gateway whose configuration is at `path`."""

    def __init__(self, gateway: Gateway, path: Path) -> None:
        super().__init__(gateway)
        self.path = path

    async def version(self) -> str:
        """What answers to new requests carry in X-Version."""
        wire = await self.connect()
        await wire.send(GET)
        answer = await wire.message()
        wire.close()
        return (answer.get(b"x-version") or b"").decode()

    async def becomes(self, version: str) -> None:
        """Wait until the configuration with this version is in use."""

        async def here() -> bool:
            return await self.version() == version

        await until(here, f"version {version} in use")

    async def admin(self, path: str) -> Any:
        """A document of the management API."""
        return json.loads((await fetch(self.gateway.admin_address, path)).body)

    async def metric(self, name: str) -> float:
        """A sample of the metrics page, by its name with labels."""
        text = (await fetch(self.gateway.admin_address, "/metrics")).body.decode()
        (value,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(value)

    def reloads(self, result: str) -> int:
        """How many reloads have ended so."""
        return self.gateway.metrics().reloads[result]

    async def refuses(self, write: Callable[[], object]) -> None:
        """Make an edit and wait until it has been refused."""
        before = self.reloads("failure")
        write()
        await until(lambda: self.reloads("failure") > before, "the edit is refused")


@asynccontextmanager
async def live(path: Path) -> AsyncIterator[Live]:
    """Run the configuration that is at `path`, a file or a directory."""
    running = Live(Gateway(path), path)
    await running.gateway.start()
    try:
        yield running
    finally:
        running.close_clients()
        await running.gateway.shutdown()
