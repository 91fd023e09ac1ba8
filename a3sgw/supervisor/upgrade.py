"""Starts the version that is installed now, beside this one, with the listening sockets of this one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping

from a3sgw.errors import GatewayError
from a3sgw.listeners import Listener
from a3sgw.supervisor.inherited import VARIABLE, bequest

READY_TIMEOUT = 120.0
"""Seconds the new version has until it must serve."""


def command() -> list[str]:
    """How this process was started: the same script, which may belong to another version by now."""
    arguments = sys.orig_argv
    if "-m" not in arguments and os.access(sys.argv[0], os.X_OK):
        return [sys.argv[0], *sys.argv[1:]]
    return [sys.executable, *arguments[1:]]


async def start_successor(listeners: Mapping[str, Listener], admin: Listener | None, table: int, known: int) -> int:
    """Start it and wait until it serves; returns its process id. GatewayError, and it is gone, when it does not.

    `table` is the descriptor of the shared table, `known` that from which it learns what is known of endpoints.
    """
    ready, theirs = os.pipe()
    text, descriptors = bequest(listeners, admin, table, theirs, known)
    kept = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
    try:
        process = _spawn(kept | {VARIABLE: text}, descriptors)
    except OSError as error:
        os.close(ready)
        raise GatewayError(f"cannot start {command()[0]}: {error.strerror}") from None
    finally:
        os.close(theirs)
    try:
        said = await asyncio.wait_for(_read(ready), READY_TIMEOUT)
    except TimeoutError:
        await _end(process)
        raise GatewayError(f"the new version was not ready within {READY_TIMEOUT:g} seconds") from None
    except BaseException:
        await _end(process)
        raise
    finally:
        os.close(ready)
    if not said:
        code = await _end(process)
        raise GatewayError(f"the new version did not start; it ended with exit code {code}")
    process.returncode = 0  # it outlives this process, which is not to wait for it, nor to complain that it did not
    return process.pid


def _spawn(environment: dict[str, str], descriptors: list[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(), env=environment, pass_fds=descriptors)  # noqa: S603 -- our own command line


async def _read(pipe: int) -> bytes:
    """What comes first; nothing when the other end is closed."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(pipe)
    return os.read(pipe, 1)


async def _end(process: subprocess.Popen[bytes]) -> int:
    """Have it end; its exit code."""
    process.terminate()
    try:
        return await asyncio.to_thread(process.wait, 10)
    except subprocess.TimeoutExpired:
        process.kill()
        return await asyncio.to_thread(process.wait)
