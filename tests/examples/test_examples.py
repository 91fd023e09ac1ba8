"""Every example validates without a finding, runs, and does what its head says."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

import pytest

from a3sgw.cli import main
from tests.examples.stand import EXAMPLES, Stand
from tests.support.echo import Echo
from tests.support.live import fetch

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.hcl"))
Exercise = Callable[[Stand], Awaitable[None]]


def all_exercises() -> dict[str, Exercise]:
    """By name: what takes a stand, and nothing else."""
    modules = [import_module(f"tests.examples.{path.stem}") for path in Path(__file__).parent.glob("*.py")]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if list(getattr(value, "__annotations__", ())) == ["stand", "return"]
    }


def exercise(name: str) -> str:
    return name.replace("-", "_")


def test_every_example_is_exercised() -> None:
    """There are examples; each has an exercise, each exercise an example, and each its line in the list."""
    assert len(NAMES) >= 15
    assert all_exercises().keys() == {exercise(name) for name in NAMES}
    listed = re.findall(r"\(([a-z./-]+\.(?:hcl|py))\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == sorted([*(f"{name}.hcl" for name in NAMES), "conf.d/blog.hcl", "embedding.py"])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_validates(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No error and no warning, without any environment variable."""
    path = EXAMPLES / f"{name}.hcl"
    assert main(["validate", "--config", str(path)]) == 0
    assert capsys.readouterr().out.endswith(f"{path}: valid (0 errors, 0 warnings)\n")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_to_try(name: str) -> None:
    """Its head is a comment with a command."""
    head = (EXAMPLES / f"{name}.hcl").read_text().split("\n\n")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "#   " in head
    assert "curl" in head


@pytest.mark.parametrize("name", NAMES)
async def test_an_example_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As its head says."""
    async with Stand(name, tmp_path, monkeypatch) as stand:
        await all_exercises()[exercise(name)](stand)


async def test_embedding() -> None:
    """The program starts a gateway, reloads it, and stops it."""
    async with Echo("APP") as app:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", EXAMPLES / "embedding.py", "0", str(app.port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert program.stdout is not None
        async with asyncio.timeout(20):
            said, address, health = (await program.stdout.readline()).decode().split()
            assert (said, health) == ("listening", "healthy")
            assert await program.stdout.readline() == b"reloaded True ['app']\n"
            assert (await fetch(address, "/new")).status == 200
            assert (await fetch(address, "/old")).status == 404
            rest, _ = await program.communicate(b"\n")
        assert rest == b"stopped stopped\n"
        assert program.returncode == 0
