"""The command line as an operator runs it: a process with real signals, its output read as it comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from a3sgw.tasks import spawn

WAIT = 15.0
"""Seconds a process may take to start or end."""


class Command:
    """A running ``a3sgw``; `out` and `err` are the lines it has printed so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._changed = asyncio.Condition()
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            spawn(self._read(process.stdout, self.out), "stdout"),
            spawn(self._read(process.stderr, self.err), "stderr"),
        ]

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        while line := await stream.readline():
            async with self._changed:
                lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    async def line(self, containing: str, count: int = 1) -> str:
        """The line number `count` of either stream that contains this text; waits for it."""

        def found() -> list[str]:
            return [line for line in (*self.out, *self.err) if containing in line]

        def enough() -> bool:
            return len(found()) >= count or all(reader.done() for reader in self._readers)

        async with asyncio.timeout(WAIT), self._changed:
            await self._changed.wait_for(enough)
        assert len(found()) >= count, f"no {containing!r} in {self.out} {self.err}"
        return found()[count - 1]

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        async with asyncio.timeout(WAIT):
            await asyncio.gather(*self._readers)
            return await self.process.wait()


@asynccontextmanager
async def command(*arguments: object, environment: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    """Run ``a3sgw`` with these arguments; a process that is still there at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "a3sgw", *map(str, arguments)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
    )
    running = Command(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


async def run(*arguments: object, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run to the end: exit code, standard output, standard error."""
    async with command(*arguments, environment=environment) as running:
        code = await running.ended()
        return code, "\n".join(running.out), "\n".join(running.err)
