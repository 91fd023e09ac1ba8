"""The command starts as many workers as it is told to, and says so when all of them serve."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from a3sgw.cores import cores
from tests.support.live import until
from tests.support.origin import Origin
from tests.support.processes import title
from tests.support.workers import TWO, crew, started, text


async def test_all_workers_serve_when_it_says_ready(tmp_path: Path, origin: Origin) -> None:
    """One line says so, after it every worker is listed, and every connection made at once is answered."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        assert running.line["workers"] == 2
        workers = (await running.health())["workers"]
        assert (workers["wanted"], workers["serving"], workers["replaced"]) == (2, 2, {})
        assert [one["worker"] for one in workers["each"]] == [0, 1]
        assert {one["generation"] for one in workers["each"]} == {1}
        answers = await asyncio.gather(*(running.fetch() for _ in range(50)))
        assert [one.status for one in answers] == [200] * 50
        assert len([line for line in running.command.err if '"ready"' in line]) == 1


async def test_processes_are_named_after_what_they_do(tmp_path: Path, origin: Origin) -> None:
    """A process listing shows a supervisor, a nursery and the workers by number, and nothing else belongs to it."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        workers = await running.workers()
        assert {place: title(pid) for place, pid in workers.items()} == {0: "a3sgw: worker 0", 1: "a3sgw: worker 1"}
        assert title(running.pid) == f"a3sgw: supervisor ({path})"
        rest = running.left() - {running.pid, *workers.values()}
        assert [title(pid) for pid in rest] == ["a3sgw: nursery"]


async def test_connections_reach_all_workers(tmp_path: Path, origin: Origin) -> None:
    """Of 100 connections each worker has accepted a fair part, and the management page says the same."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        for _ in range(100):
            await running.connect()

        await until(running.told_of(100), "the workers have told of 100 connections")
        assert min(await running.connections()) > 20
        assert await running.metric('a3sgw_open_connections{entrypoint="web"}') == 100


@pytest.mark.parametrize(
    ("written", "arguments", "count"),
    [
        ("workers = 2", ("--workers", "3"), 3),
        ('workers = "auto"', ("--workers", "1"), 1),
        ("", (), cores()),
    ],
)
async def test_how_many_there_are(
    tmp_path: Path, origin: Origin, written: str, arguments: tuple[str, ...], count: int
) -> None:
    """The command line counts more than the file; `auto`, which is the default, is one per core."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, more=f"{written}\n"))
    async with crew(path, *arguments) as running:
        assert len(await running.workers()) == count


async def test_workers_have_cores_of_their_own_when_asked(tmp_path: Path, origin: Origin) -> None:
    """With `worker_cpu_affinity` each is bound to one CPU, different ones as far as they go; without, none is."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, more=f"{TWO}worker_cpu_affinity = true\n"))
    ours = os.sched_getaffinity(0)
    async with crew(path) as running:
        bound = [os.sched_getaffinity(pid) for pid in (await running.workers()).values()]
        assert [len(one) for one in bound] == [1, 1]
        assert len(set.union(*bound)) == min(2, len(ours))
        assert os.sched_getaffinity(running.pid) == ours
    path.write_text(text(origin.url))
    async with crew(path) as running:
        assert [os.sched_getaffinity(pid) for pid in (await running.workers()).values()] == [ours, ours]


async def test_nothing_is_left_of_a_start_that_fails(tmp_path: Path, origin: Origin) -> None:
    """What only the workers can find out (a file for the log that cannot be opened) ends all processes with code 1."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url).replace("enabled = false", f'file = "{tmp_path}/none/access.log"'))
    async with started(path) as running:
        assert await running.ended() == 1
    assert "none/access.log" in "\n".join(running.command.err)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_signals_before_it_is_ready(tmp_path: Path, origin: Origin, number: signal.Signals) -> None:
    """A rotation of logs or a reload that comes too early does not end it."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path) as running:
        await until(running.supervisors, "the supervisor has its name")
        running.send(number)
        await running.ready()
        assert (await running.fetch()).status == 200


async def test_stopping_before_it_is_ready(tmp_path: Path, origin: Origin) -> None:
    """TERM ends it whatever it waits for, and nothing of it is left."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path) as running:
        await until(lambda: running.left() - {running.pid}, "it has begun to start workers")
        running.send(signal.SIGTERM)
        assert await running.command.ended() == 0
        await until(lambda: not running.left(), "nothing is left")
