"""Started in surroundings that are not as they should be."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.hostile import hostile
from tests.support.live import until
from tests.support.origin import Origin
from tests.support.process import run
from tests.support.processes import alive
from tests.support.workers import started, text


def after(commands: str) -> list[str]:
    """The program, started by a shell that does this before."""
    return ["sh", "-c", f'{commands} exec "$0" "$@"', sys.executable, "-W", "error", "-m", "a3sgw"]


@pytest.mark.parametrize(("closed", "numbers"), [("<&-", (0,)), (">&-", (1,)), ("<&- >&-", (0, 1))])
async def test_closed_standard_streams(tmp_path: Path, origin: Origin, closed: str, numbers: tuple[int, ...]) -> None:
    """Sockets must not get their numbers: it serves, and ends with 0."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path, program=after(f"exec {closed};")) as running:
        await running.ready()
        assert (await running.fetch()).status == 200
        used = {os.readlink(f"/proc/{pid}/fd/{one}") for pid in running.left() for one in numbers}
        assert used == {os.devnull}
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def test_more_sockets_announced_than_passed(tmp_path: Path, origin: Origin) -> None:
    """What LISTEN_FDS counts and is not there does not make it take what it opens itself: it serves, and hears TERM."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path, program=after("export LISTEN_FDS=50 LISTEN_PID=$$;")) as running:
        await running.ready()
        assert (await running.fetch()).status == 200
        assert not any("a socket was passed" in line for line in running.command.err)
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def test_something_that_cannot_be_taken_over(tmp_path: Path) -> None:
    """A version that hands over in another form: 1, and what to do."""
    code, out, err = await run("--config", tmp_path / "gateway.hcl", environment={"A3SGW_INHERIT": '{"version": 0}'})
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "a3sgw: this version cannot take over from the one that runs (A3SGW_INHERIT): stop that one and start this one"
    ]


async def test_a_hostile_directory(tmp_path: Path, origin: Origin) -> None:
    """The script that is installed imports nothing from where it is started, nor do its workers."""
    path, script = tmp_path / "gateway.hcl", tmp_path / "a3sgw"
    path.write_text(text(origin.url))
    root = Path(__file__).parents[2]
    script.write_text(f"import sys\nsys.path[0] = {str(root)!r}\nfrom a3sgw.cli import main\nsys.exit(main())\n")
    program = ["sh", "-c", 'cd "$1" && shift && exec "$0" "$@"', sys.executable, hostile(tmp_path / "here"), script]
    async with started(path, program=program) as running:
        await running.ready()
        assert (await running.fetch()).status == 200


async def test_a_nursery_that_hangs_does_not_keep_it(tmp_path: Path, origin: Origin) -> None:
    """TERM ends everything, though the process that starts workers is stopped."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with started(path) as running:
        await running.ready()
        nursery, (worker, *_) = running.nursery(), (await running.workers()).values()
        running.send(signal.SIGSTOP, nursery)
        running.send(signal.SIGKILL, worker)
        await until(lambda: not alive(worker), "a worker is killed")
        running.send(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await running.ended() == 0


async def test_a_socket_file_that_the_new_version_does_not_have(tmp_path: Path, origin: Origin) -> None:
    """Is removed by it; the others stay until the end."""
    path, web, gone = (tmp_path / name for name in ("gateway.hcl", "web.sock", "gone.sock"))
    usual = text(origin.url, more="workers = 2\nproviders {\n  file { watch = false }\n}\n")
    usual += f'entrypoints "file" {{ address = "unix:{web}" }}\n'
    path.write_text(f'{usual}entrypoints "gone" {{ address = "unix:{gone}" }}\n')
    async with started(path) as running:
        await running.ready()
        before = running.left()
        assert web.exists()
        assert gone.exists()
        path.write_text(usual)
        running.send(signal.SIGUSR2)
        await running.gone(*before)
        await running.ready(2)
        assert web.exists()
        assert not gone.exists()
        (supervisor,) = running.supervisors()
        running.send(signal.SIGTERM, supervisor)
        await until(lambda: not running.left(), "all have ended", 15)
        assert not web.exists()
