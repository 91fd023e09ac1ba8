"""All workers take a new configuration, or none of them does, and clients do not notice how many there are."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from tests.support.hammer import hammer
from tests.support.live import GET, dial, fetch, free_port, refused, until
from tests.support.origin import Origin
from tests.support.processes import listens
from tests.support.workers import TWO, Crew, crew, text


async def versions(running: Crew) -> list[str]:
    """What each worker answers with."""
    found = []
    for _, pid in sorted((await running.workers()).items()):
        wire = await running.connect(pid)
        await wire.send(GET)
        found.append(((await wire.message()).get(b"x-version") or b"").decode())
    return found


async def test_reloads_lose_nothing(tmp_path: Path, origin: Origin) -> None:
    """Clients are answered with 200 and never told to go, while edits are taken by all workers, or by none when
    they are broken, which is logged with its place."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "0"))
    async with crew(path) as running, hammer(running.web) as clients:
        before = await running.workers()
        for number in range(1, 6):
            path.write_text(text(origin.url, str(number)))
            await running.command.line("configuration reloaded", number)
            assert await versions(running) == [str(number)] * 2
        path.write_text(text(origin.url, "bad").replace("rule  ", "ruel  "))
        assert f"{path}:7:3: unknown key" in (await running.log("refused"))["message"]
        await clients.more()
        assert await versions(running) == ["5", "5"]
        assert await running.workers() == before
        assert {version for _, version in clients.answers} == set("012345")
        assert clients.closed == 0


async def test_what_a_worker_refuses_is_refused_by_all(tmp_path: Path, origin: Origin) -> None:
    """What shows only when it is opened, too: it is reported, and the next edit is taken."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1"))
    async with crew(path) as running:
        before = await running.workers()
        path.write_text(text(origin.url, "2").replace("enabled = false", f'file = "{tmp_path}/none/access.log"'))
        assert "none/access.log" in (await running.log("refused"))["message"]
        assert await versions(running) == ["1", "1"]
        path.write_text(text(origin.url, "3"))
        await running.command.line("configuration reloaded")
        assert await versions(running) == ["3", "3"]
        assert await running.workers() == before


async def test_a_hung_worker_does_not_hold_up_a_reload(tmp_path: Path, origin: Origin) -> None:
    """The others take it, and so does its successor."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1"))
    async with crew(path) as running:
        before = await running.workers()
        running.send(signal.SIGSTOP, before[0])
        path.write_text(text(origin.url, "2"))
        await running.command.line("configuration reloaded")
        await running.successor(0, before[0])
        assert await versions(running) == ["2", "2"]
        assert (await running.workers())[1] == before[1]


async def test_signals_to_all_processes(tmp_path: Path, origin: Origin) -> None:
    """HUP and USR1 mean the supervisor; nobody else minds when they are sent to the whole group."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1"))
    async with crew(path) as running:
        before = running.left()
        for number in (1, 2):
            os.killpg(running.pid, signal.SIGUSR1)
            os.killpg(running.pid, signal.SIGHUP)
            await running.command.line("configuration reloaded", number)
        assert running.left() == before
        assert await versions(running) == ["1", "1"]


async def test_entrypoints_come_and_go(tmp_path: Path, origin: Origin) -> None:
    """A new one is accepted from by all workers; when it is removed nobody listens there any more."""
    path = tmp_path / "gateway.hcl"
    port = free_port()
    path.write_text(text(origin.url))
    async with crew(path) as running:
        address = f"127.0.0.1:{port}"
        path.write_text(text(origin.url, "2", f'{TWO}entrypoints "more" {{ address = "{address}" }}\n'))
        await running.command.line("configuration reloaded")
        assert all(listens(pid, address) for pid in (await running.workers()).values())
        assert {(await fetch(address)).get(b"x-version") for _ in range(20)} == {b"2"}
        assert (await running.health())["entrypoints"]["more"]["addresses"] == [address]
        path.write_text(text(origin.url, "3"))
        await running.command.line("configuration reloaded", 2)
        await until(lambda: refused(address), "nobody listens there")
        assert await running.version() == "3"


async def test_a_socket_file_is_shared(tmp_path: Path, origin: Origin) -> None:
    """Each worker serves it alone if it must; the file stays at an upgrade and goes at the end."""
    path, file = tmp_path / "gateway.hcl", tmp_path / "web.sock"
    path.write_text(text(origin.url).replace('address = "127.0.0.1:0" }', f'address = "unix:{file}" }}', 1))
    async with crew(path) as running:
        address = f"unix:{file}"
        assert running.web == address
        for place, pid in (await running.workers()).items():
            running.send(signal.SIGSTOP, running.nursery())  # so that nobody is replaced meanwhile
            running.send(signal.SIGKILL, pid)
            await running.gone(pid)
            assert (await fetch(address)).status == 200
            running.send(signal.SIGCONT, running.nursery())
            await running.successor(place, pid)
        before, node = running.left(), file.stat().st_ino
        running.send(signal.SIGUSR2)
        await running.gone(*before)
        assert (await fetch(address)).status == 200
        assert file.stat().st_ino == node
        (new,) = running.supervisors()
        running.send(signal.SIGTERM, new)
        await running.gone(*running.left())
        assert not file.exists()


async def test_the_number_of_workers_changes_under_load(tmp_path: Path, origin: Origin) -> None:
    """2, 3, 1, 2: clients are answered throughout, and those that are left over end."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running, hammer(running.web) as clients:

        def processes(count: int) -> bool:
            return len(running.left()) == count

        before = await running.workers()
        for number in (3, 1, 2):
            path.write_text(text(origin.url, str(number), f"workers = {number}\n"))
            await until(running.settled(number), f"{number} workers serve", 10)
            await clients.sees(str(number))
            await clients.more()
            workers = await running.workers()
            assert workers[0] == before[0]
            await until(partial(processes, number + 2), "those left over have ended", 10)
            assert await versions(running) == [str(number)] * number


async def test_nobody_waits_at_a_socket_without_a_worker(tmp_path: Path, origin: Origin) -> None:
    """With fewer workers than before every new connection is still answered."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, more="workers = 3\n"))
    async with crew(path) as running:
        path.write_text(text(origin.url, "2", "workers = 1\n"))
        await until(running.settled(1), "one worker serves", 10)
        wires = [await dial(running.web) for _ in range(60)]
        for wire in wires:
            await wire.send(GET)
        assert [(await wire.message()).get(b"x-version") for wire in wires] == [b"2"] * 60
        for wire in wires:
            wire.close()


async def test_an_edit_waits_for_a_worker(tmp_path: Path, origin: Origin) -> None:
    """One that comes while nobody serves is tried by the successor, not refused."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", "workers = 1\n"))
    async with crew(path) as running:
        before = await running.workers()
        running.send(signal.SIGSTOP, running.nursery())  # so that nobody is replaced meanwhile
        running.send(signal.SIGKILL, before[0])
        await until(running.settled(0), "nobody serves")
        path.write_text(text(origin.url, "2", "workers = 1\n"))
        running.send(signal.SIGHUP)
        running.send(signal.SIGCONT, running.nursery())
        await running.command.line("configuration reloaded")
        assert await versions(running) == ["2"]
        assert not [line for line in running.command.err if "refused" in line]
