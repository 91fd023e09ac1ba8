"""A worker that dies again and again takes nothing else along, and a start that cannot succeed says why it fails."""

from __future__ import annotations

import asyncio
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.deadly import CODE, installed
from tests.support.live import GET, until
from tests.support.origin import Origin
from tests.support.workers import Crew, crew, started, text


def deadly(origin: str, version: str, **options: str) -> str:
    """The usual configuration with one more middleware, the one that kills."""
    lines = "".join(f'  {key} = "{value}"\n' for key, value in options.items())
    block = f'workers = 2\nmiddlewares "deadly" {{\n  type = "deadly"\n{lines}}}\n'
    return text(origin, version, block).replace('["version"]', '["version", "deadly"]')


async def provoke(running: Crew) -> None:
    """A request that kills the worker that gets it; it is not answered."""
    wire = await running.connect()
    await wire.send(GET.replace(b"GET /", b"GET /deadly"))
    with pytest.raises((EOFError, ConnectionError)):
        await wire.message()


async def test_requests_that_kill(tmp_path: Path, origin: Origin) -> None:
    """Whoever sends them kills one worker with each; everybody else is answered throughout, and both come back."""
    path = tmp_path / "gateway.hcl"
    path.write_text(deadly(origin.url, "1", when="request"))
    async with crew(path, environment=installed(tmp_path)) as running:
        for _ in range(6):
            await provoke(running)
            answers = await asyncio.gather(*(running.fetch() for _ in range(10)))
            assert [one.status for one in answers] == [200] * 10
        await until(running.settled(2), "both workers are back", 10)
        assert (await running.health())["workers"]["replaced"] == {"died": 6}
        assert f"exit code {CODE}" in (await running.log("a worker was replaced"))["message"]


async def test_a_start_that_kills(tmp_path: Path, origin: Origin) -> None:
    """When no worker survives the configuration, the command ends with 1, says why, and leaves nothing behind."""
    path = tmp_path / "gateway.hcl"
    path.write_text(deadly(origin.url, "1", when="open"))
    async with started(path, environment=installed(tmp_path)) as running:
        assert await running.ended() == 1
        assert f"exit code {CODE}" in await running.command.line("a3sgw: the workers do not start")


async def test_a_reload_that_kills(tmp_path: Path, origin: Origin) -> None:
    """A configuration that workers die of is refused at the cost of one of them, whose successor serves the one before,
    as all others do; and a sound one comes."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1"))
    async with crew(path, environment=installed(tmp_path)) as running:
        before = await running.workers()
        path.write_text(deadly(origin.url, "2", when="open"))
        await running.command.line("refused")

        async def whole() -> bool:
            workers = await running.workers()
            return len(workers) == 2 and len(workers.items() & before.items()) == 1

        await until(whole, "one of two workers is new", 10)
        assert {(await running.fetch()).get(b"x-version") for _ in range(20)} == {b"1"}
        path.write_text(text(origin.url, "3"))
        await running.command.line("configuration reloaded")
        assert {(await running.fetch()).get(b"x-version") for _ in range(20)} == {b"3"}


async def test_a_loop_of_deaths_slows_down(tmp_path: Path, origin: Origin) -> None:
    """Successors that die at once are made less and less often; as soon as they live, all is well again."""
    path, sound, notes = tmp_path / "gateway.hcl", tmp_path / "sound", tmp_path / "notes"
    sound.touch()
    path.write_text(deadly(origin.url, "1", when="open", unless=str(sound), notes=str(notes)))
    async with crew(path, environment=installed(tmp_path)) as running:
        before = await running.workers()
        sound.unlink()
        running.send(signal.SIGKILL, before[0])

        def times() -> list[float]:
            return [float(line) for line in notes.read_text().splitlines()] if notes.exists() else []

        await until(lambda: len(times()) == 4, "four have died", 10)
        gaps = [later - earlier for earlier, later in pairwise(times())]
        assert gaps[2] > gaps[0] > 0.1, gaps
        assert f"exit code {CODE}" in (await running.log("a worker did not start"))["message"]
        assert (await running.workers()) == {1: before[1]}
        assert (await running.health())["status"] == "degraded"
        sound.touch()
        await running.successor(0, before[0])
        assert (await running.health())["status"] == "healthy"
