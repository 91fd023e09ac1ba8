"""The end of the gateway is the end of all its processes, whoever the signal was sent to."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.deadly import installed
from tests.support.live import GET, refused, until
from tests.support.origin import OK, Origin
from tests.support.workers import crew, started, text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_the_whole_group(tmp_path: Path, slow: Origin, number: signal.Signals) -> None:
    """As a terminal does, or a service manager: what runs is finished, and nothing is wrong."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, drain=10))
    async with crew(path) as running:
        workers = await running.workers()
        clients = [await running.connect(pid) for pid in workers.values()]
        for client in clients:
            await client.send(GET)
        theres = [await slow.accept() for _ in clients]
        for there in theres:
            await there.message()
        os.killpg(running.pid, number)
        await until(lambda: refused(running.web), "nobody accepts")
        for there in theres:
            await there.send(OK)
        assert [(await client.message()).status for client in clients] == [200, 200]
        assert await running.ended() == 0
        assert not [line for line in running.command.err if '"error"' in line or "Traceback" in line]


async def test_stopping_cuts_what_does_not_end(tmp_path: Path, slow: Origin) -> None:
    """After `shutdown_timeout_secs` nothing is left, and the exit code is 0."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, drain=0.3))
    async with crew(path) as running:
        workers = await running.workers()
        client = await running.connect(workers[0])
        await client.send(GET)
        await (await slow.accept()).message()
        running.send(signal.SIGTERM)
        assert (await client.end())[0] == b""
        assert await running.ended() == 0


async def test_stopping_ends_a_hung_worker(tmp_path: Path, origin: Origin) -> None:
    """A worker that does not hear is killed."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, drain=0.3))
    async with crew(path) as running:
        running.send(signal.SIGSTOP, (await running.workers())[0])
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def test_stopping_during_an_upgrade(tmp_path: Path, origin: Origin) -> None:
    """Whoever asks for the end while a new version starts gets it: neither version is left."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        before = running.left()
        running.send(signal.SIGUSR2)
        await until(lambda: running.left() > before, "a new version starts")
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
        assert await refused(running.web)


async def test_stopping_during_the_start(tmp_path: Path, origin: Origin) -> None:
    """TERM before it is ready ends it as soon as it is."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path) as running:
        await until(lambda: len(running.left()) > 1, "the nursery is there")
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def test_stopping_waits_for_no_edit(tmp_path: Path, origin: Origin) -> None:
    """An edit that a worker cannot finish with is given up at once, and nobody accepts any more."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path, environment=installed(tmp_path)) as running:
        hanging = 'workers = 2\nmiddlewares "x" {\n  type = "deadly"\n  when = "hang"\n}\n'
        path.write_text(text(origin.url, "2", hanging).replace('["version"]', '["version", "x"]'))
        opening = tmp_path / "opening"
        path.write_text(path.read_text().replace('"hang"\n', f'"hang"\n  notes = "{opening}"\n'))
        await until(opening.exists, "a worker tries the edit")
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def test_told_twice(tmp_path: Path, slow: Origin) -> None:
    """A second TERM ends what still runs at once, whatever time it had."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, drain=1000))
    async with crew(path) as running:
        client = await running.connect()
        await client.send(GET)
        await (await slow.accept()).message()
        running.send(signal.SIGTERM)
        await until(lambda: refused(running.web), "nobody accepts")
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
