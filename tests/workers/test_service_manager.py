"""A service manager is told how things are (sd_notify(3)), and may watch over the gateway."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest_asyncio

from tests.support.live import until
from tests.support.origin import Origin
from tests.support.wire import WAIT
from tests.support.workers import crew, started, text


class Manager:
    """The socket of a service manager at `path`; it takes messages as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._messages: asyncio.Queue[list[str]] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._socket, self._take)

    def _take(self) -> None:
        self._messages.put_nowait(self._socket.recv(4096).decode().split("\n"))

    async def told(self, within: float = WAIT) -> list[str]:
        """The next message, line by line; TimeoutError without one."""
        async with asyncio.timeout(within):
            return await self._messages.get()

    async def is_silent(self, seconds: float) -> None:
        """Wait until there has been no message for so long."""
        with suppress(TimeoutError):
            while True:
                await self.told(seconds)

    def close(self) -> None:
        """Go away."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


@pytest_asyncio.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    """Listens at a socket file."""
    one = Manager(tmp_path / "notify")
    yield one
    one.close()


async def test_the_manager_is_told_once_for_all_processes(tmp_path: Path, origin: Origin, manager: Manager) -> None:
    """READY when all workers serve, RELOADING with the time and READY again around a reload, STOPPING at the end."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path, environment={"NOTIFY_SOCKET": str(manager.path)}) as running:
        assert (await manager.told())[0] == "READY=1"
        await running.ready()
        assert len(await running.workers()) == 2
        for works in (True, False):
            path.write_text(text(origin.url, "2") if works else "broken")
            before = time.monotonic_ns() // 1000
            running.send(signal.SIGHUP)
            reloading, stamp = await manager.told()
            assert (reloading, stamp.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
            assert before <= int(stamp.partition("=")[2]) <= time.monotonic_ns() // 1000
            assert (await manager.told())[0] == "READY=1"
            assert await running.version() == "2"
        running.send(signal.SIGTERM)
        assert (await manager.told())[0] == "STOPPING=1"
        assert await running.ended() == 0


async def test_the_manager_learns_of_an_upgrade(tmp_path: Path, origin: Origin, manager: Manager) -> None:
    """MAINPID names the new version; the old one does not say that it stops, for the gateway does not."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path, environment={"NOTIFY_SOCKET": str(manager.path)}) as running:
        assert (await manager.told())[0] == "READY=1"
        await running.ready()
        running.send(signal.SIGUSR2)
        messages = [(await manager.told())[0] for _ in range(2)]
        await running.ready(2)
        await running.gone(running.pid)
        (new,) = running.supervisors()
        assert sorted(messages) == [f"MAINPID={new}", "READY=1"]
        running.send(signal.SIGTERM, new)
        assert (await manager.told())[0] == "STOPPING=1"


async def test_the_watchdog_is_kept_quiet(tmp_path: Path, origin: Origin, manager: Manager) -> None:
    """As often as asked for while somebody accepts connections, also after an upgrade; not while nobody does."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "200000"}
    async with started(path, environment=environment) as running:
        await running.ready()
        assert (await manager.told())[0] == "READY=1"
        assert [await manager.told() for _ in range(3)] == [["WATCHDOG=1"]] * 3
        running.send(signal.SIGUSR2)
        await running.ready(2)
        await running.gone(running.pid)
        running.send(signal.SIGSTOP, running.nursery())  # so that nobody is replaced meanwhile
        workers = (await running.workers()).values()
        for pid in workers:
            running.send(signal.SIGKILL, pid)
        await until(running.settled(0), "nobody accepts")
        async with asyncio.timeout(WAIT):
            await manager.is_silent(0.5)
        running.send(signal.SIGCONT, running.nursery())
        assert await manager.told() == ["WATCHDOG=1"]


async def test_a_manager_that_does_not_listen(tmp_path: Path, origin: Origin) -> None:
    """When its queue is full the gateway goes on all the same: workers are replaced, and the end is the end."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own,
    ):
        deaf.bind(str(tmp_path / "notify"))
        own.setblocking(False)

        def full() -> bool:
            try:
                own.sendto(b"", deaf.getsockname())
            except BlockingIOError:
                return True
            return False

        environment = {"NOTIFY_SOCKET": deaf.getsockname(), "WATCHDOG_USEC": "20000"}
        async with crew(path, environment=environment) as running:
            await until(full, "the queue is full")
            first = (await running.workers())[0]
            running.send(signal.SIGKILL, first)
            await running.successor(0, first)
            running.send(signal.SIGTERM)
            assert await running.ended() == 0
