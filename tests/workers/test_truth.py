"""What the management API says is true of all workers together."""

from __future__ import annotations

import asyncio
import json
import signal
from functools import partial
from pathlib import Path

from tests.support.live import GET, fetch, until
from tests.support.origin import Origin
from tests.support.processes import writes
from tests.support.workers import Crew, crew, text

REQUESTS = 'a3sgw_router_requests_total{code="2xx",method="GET",router="all"}'


async def ask(running: Crew, pid: int, count: int, target: bytes = b"/") -> None:
    """So many requests to one worker, on one connection."""
    wire = await running.connect(pid)
    for _ in range(count):
        await wire.send(GET.replace(b"/", target, 1))
        await wire.message()


async def test_counters_add_up_and_never_go_back(tmp_path: Path, origin: Origin) -> None:
    """A scrape counts what every worker has answered so far; what a killed one has told of stays counted."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        workers = await running.workers()
        await ask(running, workers[0], 20)
        await ask(running, workers[1], 30)
        assert await running.metric(REQUESTS) == 50
        running.send(signal.SIGKILL, workers[0])
        seen = [50.0]

        async def replaced() -> bool:
            seen.append(await running.metric(REQUESTS))
            return (await running.workers()).get(0, workers[0]) != workers[0]

        await until(replaced, "the worker is replaced")
        await ask(running, (await running.workers())[0], 5)
        seen.append(await running.metric(REQUESTS))
        assert seen == sorted(seen)
        assert seen[-1] == 55
        assert await running.metric("a3sgw_workers") == 2
        assert await running.metric('a3sgw_workers_replaced_total{reason="died"}') == 1
        assert await running.metric('a3sgw_open_connections{entrypoint="web"}') == 2


async def test_health_is_that_of_all(tmp_path: Path, origin: Origin) -> None:
    """The page shows each worker, connections and reloads; readiness goes when the gateway stops."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, drain=10))
    async with crew(path) as running:
        workers = await running.workers()
        for pid in workers.values():
            await ask(running, pid, 1)
        await until(running.told_of(1, 1), "each has told of its connection")
        health = await running.health()
        assert health["status"] == "healthy"
        assert health["workers"]["each"] == [
            {"worker": place, "pid": pid, "generation": 1, "connections": 1} for place, pid in workers.items()
        ]
        assert health["services"]["origin"][0]["url"] == origin.url
        for page in ("/ready", "/health", "/health/ready", "/api/gateway/health"):
            assert (await fetch(running.admin, page)).status == 200, page
        path.write_text(text(origin.url, "2").replace("rule  ", "ruel  "))
        await running.command.line("refused")
        health = await running.health()
        assert (health["status"], health["config"]["last_reload_success"]) == ("degraded", False)


async def test_not_ready_without_workers(tmp_path: Path, origin: Origin) -> None:
    """While nobody accepts connections /ready says 503, and 200 as soon as one worker does."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        nursery = running.nursery()
        running.send(signal.SIGSTOP, nursery)  # so that nobody is replaced meanwhile

        async def ready() -> int:
            return (await fetch(running.admin, "/ready")).status

        async def not_ready() -> bool:
            return await ready() == 503

        first, second = (await running.workers()).values()
        running.send(signal.SIGKILL, first)
        await running.gone(first)
        assert await ready() == 200
        running.send(signal.SIGKILL, second)
        await until(not_ready, "it is not ready")
        assert (await running.health())["workers"]["serving"] == 0
        running.send(signal.SIGCONT, nursery)
        await until(running.settled(2), "both workers are back")
        assert await ready() == 200


async def test_the_access_log_of_all_workers_is_whole(tmp_path: Path, origin: Origin) -> None:
    """One file has all requests of all workers, each on a line of its own; after USR1 they go on in a new one."""
    path, log = tmp_path / "gateway.hcl", tmp_path / "access.log"
    path.write_text(text(origin.url).replace("enabled = false", f'file = "{log}"'))
    async with crew(path) as running:
        workers = list((await running.workers()).values())
        await asyncio.gather(*(ask(running, pid, 50, b"/old") for pid in workers * 2))
        log.rename(tmp_path / "access.1")
        running.send(signal.SIGUSR1)
        await until(lambda: all(writes(pid, log) for pid in workers), "all write to the new file")
        await asyncio.gather(*(ask(running, pid, 50, b"/new") for pid in workers * 2))
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
    for target, file in (("/old", tmp_path / "access.1"), ("/new", log)):
        records = [json.loads(line) for line in file.read_text().splitlines()]
        assert [one["path"] for one in records] == [target] * 200


async def test_the_own_log_is_the_same_for_all_workers(tmp_path: Path, slow: Origin) -> None:
    """Level and file hold in each of them, also when a reload changes them and a rotation moves the file."""
    path, log = tmp_path / "gateway.hcl", tmp_path / "own.log"
    slow.refuse()
    two = f'servers = [{{ url = "{slow.url}" }}, {{ url = "unix:{tmp_path}/nobody" }}]'
    usual = text(slow.url).replace(f'servers = [{{ url = "{slow.url}" }}]', two)

    def warned() -> list[int]:
        """Which workers have written a line about an endpoint that is not there."""
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return sorted({one["worker"] for one in lines if "not reached" in one["message"]})

    def wrote(expected: list[int]) -> bool:
        return warned() == expected

    async def ask_all() -> None:
        for pid in workers:
            await ask(running, pid, 1)

    path.write_text(usual)
    async with crew(path) as running:
        workers = list((await running.workers()).values())
        for generation, level, expected in ((2, "error", []), (3, "warn", [0, 1])):
            path.write_text(f'{usual}log {{\n  level = "{level}"\n  file  = "{log}"\n}}\n')
            await until(running.uses(generation), "all have the configuration")
            await until(lambda: all(writes(pid, log) for pid in workers), "all write to the file")
            await ask_all()
            await until(partial(wrote, expected), "those who have warned")
        log.rename(tmp_path / "own.1")
        running.send(signal.SIGUSR1)
        await until(lambda: all(writes(pid, log) for pid in [*workers, running.pid]), "all write to the new file")
        await ask_all()
        await until(partial(wrote, [0, 1]), "those who have warned")
