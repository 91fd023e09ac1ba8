"""Where an example is tried: its gateway on free ports, echoes behind it, and a client in front."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

import pytest

import a3sgw
from a3sgw import Gateway
from tests.support.echo import Answer, Echo
from tests.support.live import dial, free_port
from tests.support.wire import Message, Wire

EXAMPLES = Path(a3sgw.__file__).parents[1] / "examples"


class Stand:
    """Environment variables stand for addresses, as the head of each example says."""

    def __init__(self, name: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = EXAMPLES / f"{name}.hcl"
        self.directory = directory
        self.gateway = Gateway(self.path)
        self._monkeypatch = monkeypatch
        self._open = AsyncExitStack()

    def set(self, **variables: object) -> None:
        """Environment variables of the gateway."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, str(value))

    async def echo(self, variable: str, answer: Answer | None = None) -> Echo:
        """An echo of this name, whose port is in the environment."""
        one = await self._open.enter_async_context(Echo(variable, answer=answer))
        self.set(**{variable: one.port})
        return one

    async def start(self) -> None:
        """Run the example; its own addresses are free ones."""
        self.set(PORT=free_port(), ADMIN=free_port(), DIRECT=free_port(), PLAIN=free_port())
        await self.gateway.start()

    async def connect(self, entrypoint: str = "") -> Wire:
        """A connection to an entrypoint, by default the first."""
        addresses = self.gateway.addresses
        return await dial(addresses[entrypoint or next(iter(addresses))][0])

    async def ask(
        self,
        target: str = "/",
        *fields: str,
        method: str = "GET",
        host: str = "127.0.0.1",
        entrypoint: str = "",
        body: bytes = b"",
    ) -> Message:
        """The answer to one request; `fields` are whole lines such as ``X-A: 1``."""
        wire = await self.connect(entrypoint)
        length = [f"Content-Length: {len(body)}"] if body else []
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *length, *fields, "", ""]
        try:
            await wire.send("\r\n".join(lines).encode() + body)
            return await wire.message(to=method.encode())
        finally:
            wire.close()

    async def __aenter__(self) -> Stand:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.gateway.shutdown()
        await self._open.aclose()
