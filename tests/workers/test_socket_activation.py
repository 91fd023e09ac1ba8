"""A service manager has opened the listening sockets before the gateway is started (sd_listen_fds(3))."""

from __future__ import annotations

import fcntl
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.live import GET, dial
from tests.support.origin import Origin
from tests.support.processes import listens
from tests.support.workers import started, text

_ACTIVATE = """
import os, sys
names, whose, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for index, descriptor in enumerate(map(int, sys.argv[4:4 + count])):
    os.dup2(descriptor, 3 + index)
    os.close(descriptor)
os.environ |= {"LISTEN_PID": str(os.getpid() + whose), "LISTEN_FDS": str(count), "LISTEN_FDNAMES": names}
os.execv(sys.executable, [sys.executable, "-W", "error", "-m", "a3sgw", *sys.argv[4 + count:]])
"""
"""Becomes the gateway with these descriptors from 3 on (sd_listen_fds(3))."""


def activated(names: str, *sockets: socket.socket, whose: int = 0) -> list[object]:
    """The program that gets `sockets` under `names`, which have colons between them; another is meant with `whose`."""
    return [sys.executable, "-c", _ACTIVATE, names, whose, len(sockets), *(one.fileno() for one in sockets)]


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A socket as a manager opens it, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        number = fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100)  # above those that it will be known by
        with socket.socket(fileno=number) as high:
            yield high, f"127.0.0.1:{high.getsockname()[1]}"


async def test_sockets_are_taken_by_name(tmp_path: Path, origin: Origin) -> None:
    """An entrypoint and the management API listen where the manager does, whatever the configuration says; who came
    before there was a gateway is answered, and all workers accept. An upgrade changes nothing of this."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    with listening() as (web, address), listening() as (admin, admin_address):
        early = await dial(address)
        await early.send(GET)
        program = activated("web:admin", web, admin)
        async with started(path, program=program, descriptors=[web.fileno(), admin.fileno()]) as running:
            await running.ready()
            assert (running.web, running.admin) == (address, admin_address)
            assert (await early.message()).status == 200
            assert all(listens(pid, address) for pid in (await running.workers()).values())
            assert {(await running.fetch()).status for _ in range(20)} == {200}
            before = running.left()
            running.send(signal.SIGUSR2)
            await running.gone(*before)
            await running.ready(2)
            assert (running.web, running.admin) == (address, admin_address)
            assert {(await running.fetch()).status for _ in range(20)} == {200}
            early.close()


async def test_sockets_are_taken_by_address(tmp_path: Path, origin: Origin) -> None:
    """Without a name that fits, the address decides; a socket that nobody wants is closed, which is worth a warning."""
    path = tmp_path / "gateway.hcl"
    with listening() as (web, address), listening() as (other, other_address):
        path.write_text(text(origin.url).replace('"127.0.0.1:0"', f'"{address}"', 1))
        program = activated("unknown:unknown", web, other)
        async with started(path, program=program, descriptors=[web.fileno(), other.fileno()]) as running:
            await running.ready()
            assert running.web == address
            assert (await running.fetch()).status == 200
            assert (await running.log("no entrypoint uses"))["address"] == other_address
            assert not any(listens(pid, other_address) for pid in running.left())


async def test_sockets_of_another_process_are_none_of_its_business(tmp_path: Path, origin: Origin) -> None:
    """Variables that were meant for a parent (LISTEN_PID) are not believed."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    with listening() as (web, address):
        async with started(path, program=activated("web", web, whose=1), descriptors=[web.fileno()]) as running:
            await running.ready()
            assert running.web != address
            assert (await running.fetch()).status == 200
