"""Programs of other people, run to their end or read while they run."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

WAIT = 30.0
"""Seconds that any of them may take."""
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@dataclass(frozen=True)
class Ended:
    """What a program has left behind."""

    code: int
    out: bytes
    err: str


def program(*names: str) -> str:
    """Where it is, under one of these names; servers are found even where only root has their place in PATH."""
    found = next(filter(None, (shutil.which(name, path=_PLACES) for name in names)), None)
    assert found, f"{names[0]} is not installed: see the test command of the README"
    return found


@asynccontextmanager
async def started(*command: object, environment: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A running program with pipes on all sides; killed when it is still there at the end."""
    name, *arguments = map(str, command)
    process = await asyncio.create_subprocess_exec(
        *(program(name), *arguments), stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **(environment or {})}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*command: object, given: bytes = b"", environment: Mapping[str, str] | None = None) -> Ended:
    """Run to the end."""
    async with asyncio.timeout(WAIT), started(*command, environment=environment) as process:
        out, err = await process.communicate(given)
    assert process.returncode is not None
    return Ended(process.returncode, out, err.decode())
