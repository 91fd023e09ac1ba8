"""What happens when each of the processes dies, and who notices."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

from a3sgw.tasks import spawn
from tests.support.live import GET, refused, until
from tests.support.origin import OK, Origin
from tests.support.processes import alive
from tests.support.stream import begin
from tests.support.workers import Crew, crew, text


async def test_a_killed_worker_takes_only_its_own_requests_along(tmp_path: Path, slow: Origin) -> None:
    """What it was sending is cut, not ended as if whole; the other worker's response goes on; it is replaced."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url))
    async with crew(path) as running:
        before = await running.workers()
        cut = await begin(running, slow, before[0])
        whole = await begin(running, slow, before[1])
        await until(running.told_of(1, 1), "both workers have told of their connection")
        running.send(signal.SIGKILL, before[0])
        await cut.is_cut()
        assert await running.successor(0, before[0]) != before[0]
        await whole.finishes()
        assert (await running.workers())[1] == before[1]
        assert (await running.health())["workers"]["replaced"] == {"died": 1}
        line = await running.log("a worker was replaced")
        assert (line["place"], line["pid"], line["connections"]) == (0, before[0], 1)
        assert "SIGKILL" in line["message"]


async def test_who_waits_for_a_dead_worker_is_served_by_its_successor(tmp_path: Path, origin: Origin) -> None:
    """Connections that a stopped worker does not accept are answered once it has been killed and replaced."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        before = await running.workers()
        running.send(signal.SIGSTOP, before[0])
        wires = [await running.connect() for _ in range(30)]
        for wire in wires:
            await wire.send(GET)
        running.send(signal.SIGKILL, before[0])
        assert [(await wire.message()).status for wire in wires] == [200] * 30
        holders = {await running.holder(wire) for wire in wires}
        assert holders == set((await running.workers()).values())
        assert before[0] not in holders


async def test_a_hung_worker_is_replaced(tmp_path: Path, origin: Origin) -> None:
    """One that is stopped gives no sign of life: it is killed, and a successor answers who waited for it."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        before = await running.workers()
        client = await running.connect(before[1])
        running.send(signal.SIGSTOP, before[1])
        await client.send(GET)
        waiting = [spawn(running.fetch(), "client") for _ in range(20)]
        await running.successor(1, before[1])
        assert (await client.end())[0] == b""
        assert [(await one).status for one in waiting] == [200] * 20
        assert not alive(before[1])
        assert (await running.health())["workers"]["replaced"] == {"hung": 1}
        line = await running.log("a worker was replaced")
        assert "it is stopped" in line["message"]


async def test_a_worker_that_is_told_to_stop_finishes_beside_its_successor(tmp_path: Path, slow: Origin) -> None:
    """TERM for a worker: the running response ends whole, new connections are the successor's, the old one ends."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, drain=10))
    async with crew(path) as running:
        before = await running.workers()
        stream = await begin(running, slow, before[0])
        running.send(signal.SIGTERM, before[0])
        new = await running.successor(0, before[0])
        other = await running.connect(new)
        await other.send(GET)
        elsewhere = await slow.accept()
        await elsewhere.message()
        await elsewhere.send(OK)
        assert (await other.message()).status == 200
        assert alive(before[0])
        await stream.finishes()
        await running.gone(before[0])
        assert (await running.health())["workers"]["replaced"] == {"stopped": 1}


async def test_the_nursery_is_started_anew(tmp_path: Path, origin: Origin) -> None:
    """Workers live on without it, and one that dies then is replaced all the same."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        before = await running.workers()
        nursery = running.nursery()
        running.send(signal.SIGKILL, nursery)
        await running.gone(nursery)
        assert (await running.workers()) == before
        running.send(signal.SIGKILL, before[0])
        await running.successor(0, before[0])
        assert (await running.workers())[1] == before[1]
        assert [one.status for one in await asyncio.gather(*(running.fetch() for _ in range(20)))] == [200] * 20


async def test_workers_do_not_outlive_the_supervisor(tmp_path: Path, slow: Origin) -> None:
    """When it is killed they finish what runs and end; no process is left, and the address is free."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, drain=10))
    async with crew(path) as running:
        workers = await running.workers()
        stream = await begin(running, slow, workers[0])
        running.send(signal.SIGKILL)
        await running.gone(running.pid, workers[1])
        await until(lambda: refused(running.web), "the other one, too, has noticed")
        await stream.finishes()
        await until(lambda: not running.left(), "nothing is left")
        assert (await running.log("the supervisor has gone"))["worker"] in (0, 1)


async def test_killed_again_and_again_under_load(tmp_path: Path, origin: Origin) -> None:
    """Every connection is taken, and only requests that ran in a killed worker fail."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    failed, answered, stop = 0, 0, False

    async def ask(running: Crew) -> None:
        nonlocal failed, answered
        while not stop:
            wire = await running.connect()
            try:
                await wire.send(GET)
                answered += (await wire.message()).status == 200
            except (EOFError, ConnectionError):
                failed += 1
            wire.close()

    def more(count: int) -> bool:
        return answered > count

    async with crew(path) as running:
        clients = [spawn(ask(running), "client") for _ in range(4)]
        kills = 4
        for number in range(kills):
            place, pid = number % 2, (await running.workers())[number % 2]
            running.send(signal.SIGKILL, pid)
            await running.successor(place, pid)
            await until(partial(more, answered + 20), "clients go on")
        stop = True
        await asyncio.gather(*clients)
        assert failed <= kills * len(clients)
        assert len(await running.workers()) == 2
