"""The gateway as several processes: who they are, who serves whom, and an end for all of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.live import dial, fetch, hcl, until
from tests.support.process import WAIT, Command
from tests.support.processes import alive, group, holder, title
from tests.support.wire import Message, Wire

TWO = "workers = 2\n"


def text(origin: str, version: str = "1", more: str = TWO, service: str = "", drain: float = 1.0) -> str:
    """The usual configuration with two workers; every answer carries `version`."""
    return hcl(origin, version, more, service).replace("timeout_secs = 1", f"timeout_secs = {drain}")


class Crew:
    """A gateway of several processes that logs JSON; `web` and `admin` are addresses."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.pid = command.process.pid
        """The supervisor it was started with; all its processes are of this group."""
        self.line: dict[str, Any] = {}
        """The ready line."""
        self.web = ""
        self.admin = ""
        self._wires: list[Wire] = []

    async def ready(self, count: int = 1) -> None:
        """Wait until it serves; `count` counts the versions that have said so."""
        self.line = await self.log('"ready"', count)
        self.admin = self.line["admin"]
        self.web = self.addresses()["web"]

    def addresses(self) -> dict[str, str]:
        """Where it listens, by entrypoint, as the ready line says."""
        return dict(one.split("=") for one in self.line["entrypoints"].split(", "))

    # Processes...

    def send(self, number: signal.Signals, pid: int = 0) -> None:
        """A signal to the supervisor or to another process."""
        os.kill(pid or self.pid, number)

    def left(self) -> set[int]:
        """Its processes that still run, whatever they are."""
        return group(self.pid)

    def supervisors(self) -> set[int]:
        """Its supervisors that run: two of them during an upgrade."""
        return {pid for pid in self.left() if title(pid).startswith("a3sgw: supervisor")}

    def nursery(self) -> int:
        """The process that forks workers; there is none twice unless an upgrade goes on."""
        (found,) = (pid for pid in self.left() if title(pid) == "a3sgw: nursery")
        return found

    async def health(self) -> dict[str, Any]:
        """``/health/detailed``."""
        found: dict[str, Any] = json.loads((await fetch(self.admin, "/health/detailed")).body)
        return found

    async def workers(self) -> dict[int, int]:
        """Process ids by place."""
        return {one["worker"]: one["pid"] for one in (await self.health())["workers"]["each"]}

    async def replaced(self, pid: int) -> int:
        """Wait until another process works at the place of `pid`, which is not there any more or will not be; its
        process id."""
        return await self.successor(next(place for place, one in (await self.workers()).items() if one == pid), pid)

    def settled(self, count: int) -> Callable[[], Awaitable[bool]]:
        """A condition: there are so many workers."""

        async def there() -> bool:
            return len(await self.workers()) == count

        return there

    def uses(self, generation: int) -> Callable[[], Awaitable[bool]]:
        """A condition: all workers use configuration number `generation`, counted from 1."""

        async def used() -> bool:
            return {one["generation"] for one in (await self.health())["workers"]["each"]} == {generation}

        return used

    async def connections(self) -> list[int]:
        """How many each worker has, by place, as far as it has told."""
        return [one["connections"] for one in (await self.health())["workers"]["each"]]

    def told_of(self, *counts: int) -> Callable[[], Awaitable[bool]]:
        """A condition: the workers have told of so many connections, each, or together when there is one number."""

        async def told() -> bool:
            found = await self.connections()
            return found == list(counts) or (len(counts) == 1 and sum(found) == counts[0])

        return told

    async def successor(self, place: int, pid: int) -> int:
        """Wait until somebody else than `pid` serves at `place`; its process id."""
        found = 0

        async def new() -> bool:
            nonlocal found
            found = (await self.workers()).get(place, pid)
            return found != pid

        await until(new, f"a successor of {pid} at place {place}", WAIT)
        return found

    async def gone(self, *pids: int) -> None:
        """Wait until these processes have ended."""
        await until(lambda: not any(map(alive, pids)), f"{pids} have ended", WAIT)

    async def ended(self) -> int:
        """Wait for the end of the process that was started and of all others; its exit code."""
        async with asyncio.timeout(WAIT):
            code = await self.command.process.wait()
        await until(lambda: not self.left(), "all processes have ended", WAIT)
        return code

    # Connections...

    async def connect(self, pid: int = 0) -> Wire:
        """A connection, accepted by the worker `pid` if one is named."""
        while True:
            wire = await dial(self.web)
            self._wires.append(wire)
            if not pid or await self.holder(wire) == pid:
                return wire
            wire.close()

    async def holder(self, wire: Wire) -> int:
        """The process id of the worker that has accepted a connection; waits until one has."""
        found = 0

        def accepted() -> bool:
            nonlocal found
            found = holder(wire, self.left())
            return bool(found)

        await until(accepted, "the connection is accepted")
        return found

    async def admitted(self, count: int) -> int:
        """Connect so often and ask for /none, which no route has; how many are not turned away. All stay open."""
        answered = 0
        for _ in range(count):
            wire = await self.connect()
            try:
                await wire.send(b"GET /none HTTP/1.1\r\nHost: a.example\r\n\r\n")
                status = (await wire.message()).status
            except ConnectionError:  # closed before it was asked
                continue
            assert status in (404, 503)
            answered += status == 404
        return answered

    async def fetch(self, target: str = "/") -> Message:
        """The answer to a GET on a new connection."""
        return await fetch(self.web, target)

    async def version(self) -> str:
        """What new connections get."""
        return ((await self.fetch()).get(b"x-version") or b"").decode()

    async def metric(self, name: str) -> float:
        """A sample of the metrics page, by its name with labels; 0 when there is none."""
        page = (await fetch(self.admin, "/metrics")).body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(f"{name} "))

    async def log(self, message: str, count: int = 1) -> dict[str, Any]:
        """Record number `count` of the log whose line has this in it; waits for it."""
        found: dict[str, Any] = json.loads(await self.command.line(message, count))
        return found

    def close(self) -> None:
        """Close the connections made here."""
        for wire in self._wires:
            wire.close()


@asynccontextmanager
async def started(
    path: Path,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    program: Sequence[object] = (sys.executable, "-W", "error", "-m", "a3sgw"),
    descriptors: Sequence[int] = (),
) -> AsyncIterator[Crew]:
    """Start ``a3sgw`` with the configuration at `path` in a process group of its own; at the end all of it is killed.

    It inherits `descriptors`.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, (*program, "--config", path, "--log-format", "json", *arguments)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
        start_new_session=True,
        pass_fds=descriptors,
    )
    crew = Crew(Command(process))
    try:
        yield crew
    finally:
        crew.close()
        with suppress(ProcessLookupError):
            os.killpg(crew.pid, signal.SIGKILL)
        await crew.command.ended()


@asynccontextmanager
async def crew(path: Path, *arguments: object, environment: Mapping[str, str] | None = None) -> AsyncIterator[Crew]:
    """Start it and wait until it is ready."""
    async with started(path, *arguments, environment=environment) as one:
        await one.ready()
        yield one
