"""A limit is one number for all workers together, whatever becomes of them."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.live import until
from tests.support.origin import Origin
from tests.support.processes import listens
from tests.support.stream import begin
from tests.support.workers import TWO, crew, text


async def test_connections_are_limited_over_all_workers(tmp_path: Path, origin: Origin) -> None:
    """Of 12 connections at once 5 are admitted; a killed worker gives the places of its own back, and no more."""
    path = tmp_path / "gateway.hcl"
    limited = text(origin.url).replace("PathPrefix(`/`)", "Path(`/`)")
    path.write_text(
        limited.replace(
            '"web" { address = "127.0.0.1:0" }', '"web" {\n  address = "127.0.0.1:0"\n  max_connections = 5\n}'
        )
    )
    async with crew(path) as running:
        assert await running.admitted(12) == 5
        await until(running.told_of(5), "the workers have told of 5 connections")
        held = await running.connections()
        before = await running.workers()
        place = held.index(max(held))
        running.send(signal.SIGKILL, before[place])
        await running.successor(place, before[place])
        assert await running.admitted(12) == max(held)
        refused = 'a3sgw_connections_refused_total{entrypoint="web",reason="max_connections"}'
        assert await running.metric(refused) >= 12 - max(held)
        assert await running.admitted(5) == 0


async def test_orphans_keep_their_places(tmp_path: Path, slow: Origin) -> None:
    """What a worker holds is its own as long as it lives, whoever has started it and whatever has become of that; not
    longer."""
    path = tmp_path / "gateway.hcl"
    limited = text(slow.url, more=f'{TWO}drain_timeout = "30s"\n').replace(
        '"web" { address = "127.0.0.1:0" }', '"web" {\n  address = "127.0.0.1:0"\n  max_connections = 5\n}'
    )
    path.write_text(limited.replace("PathPrefix(`/`)", "Path(`/`)"))
    async with crew(path) as running:
        old = [*(await running.workers()).values()]
        for pid in (*old, old[0]):
            await begin(running, slow, pid)
        running.send(signal.SIGUSR2)
        await running.ready(2)
        await until(lambda: not any(listens(pid, running.web) for pid in old), "the old one accepts no more")
        running.send(signal.SIGKILL)
        await running.gone(running.pid)
        first = (await running.workers())[0]
        running.send(signal.SIGKILL, first)  # at a burial the table is swept
        second = await running.successor(0, first)
        assert await running.admitted(7) == 2
        await until(running.told_of(2), "the workers have told of 2 connections")
        held = (await running.connections())[0]
        for pid in old:
            running.send(signal.SIGKILL, pid)
        await running.gone(*old)
        running.send(signal.SIGKILL, second)
        await running.successor(0, second)
        assert await running.admitted(7) == 3 + held


async def test_a_rate_is_limited_over_all_workers(tmp_path: Path, origin: Origin) -> None:
    """A burst of 7 is 7 answers, whoever gives them; a worker's death and a reload do not begin a new one."""
    path = tmp_path / "gateway.hcl"

    def limited(version: str) -> str:
        block = f'{TWO}middlewares "few" {{\n  type  = "rate-limit"\n  rate  = 0.001\n  burst = 7\n}}\n'
        return text(origin.url, version, block).replace('["version"]', '["version", "few"]')

    path.write_text(limited("1"))
    async with crew(path) as running:
        workers = await running.workers()
        statuses = []
        for pid in [*workers.values()] * 2:
            wire = await running.connect(pid)
            for _ in range(3):
                await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
                answer = await wire.message()
                statuses.append(answer.status)
        assert statuses == [200] * 7 + [429] * 5
        assert answer.get(b"retry-after") is not None
        running.send(signal.SIGKILL, workers[0])
        await running.successor(0, workers[0])
        path.write_text(limited("2"))
        await running.command.line("configuration reloaded")
        assert {(await running.fetch()).status for _ in range(8)} == {429}
