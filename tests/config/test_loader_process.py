"""Loading beside the traffic: the same results as in this process, and no harm when the other one dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from a3sgw.config.load import Loaded, Loader
from a3sgw.config.loader_process import LARGE, LoaderProcess
from a3sgw.diagnostic import Diagnostic
from a3sgw.tasks import spawn
from tests.support.hostile import hostile
from tests.support.processes import title

WEB = 'entrypoints "web" { address = ":80" }\n'
SERVICE = 'services "s" {\n  load_balancer { servers { url = "http://127.0.0.1:1" } }\n}\n'


def router(number: int, host: str = "a") -> str:
    return f'routers "r{number}" {{\n  rule    = "Host(`{host}{number}.example`)"\n  service = "s"\n}}\n'


def large(*hosts: tuple[int, str]) -> str:
    """A configuration of more than LARGE bytes, some of its routers with another host."""
    text = WEB + SERVICE + "".join(router(number, dict(hosts).get(number, "a")) for number in range(150))
    assert len(text) > LARGE
    return text


def refuse_router_7(loaded: Loaded) -> Sequence[Diagnostic]:
    """An inspection with a place, for the other process to find."""
    router = loaded.config.routers.get("r7") if loaded.config is not None else None
    if router is None or "b7." not in router.rule:
        return ()
    return (Diagnostic("error", loaded.document.place(("routers", "r7", "rule")), "not this one"),)


@dataclass
class Loading:
    """A file and what loads it."""

    path: Path
    loader: LoaderProcess = field(default_factory=lambda: LoaderProcess(refuse_router_7))

    async def load(self, text: str) -> Loaded:
        """Write, load, and compare with what this process makes of it."""
        self.path.write_text(text)
        loaded = await self.loader.load(self.path)
        here = Loader().load(self.path)
        assert loaded.config == here.config or loaded.config is None
        if loaded.config is not None and here.config is not None:
            assert list(loaded.config.routers) == list(here.config.routers)
        assert loaded.watched == here.watched
        return loaded

    @property
    def pid(self) -> int | None:
        """The other process."""
        process = self.loader._process
        return process.pid if process is not None else None


@pytest_asyncio.fixture
async def loading(tmp_path: Path) -> AsyncIterator[Loading]:
    one = Loading(tmp_path / "gateway.hcl")
    yield one
    one.loader.close()


async def test_small_ones_are_loaded_here(loading: Loading) -> None:
    """However often."""
    for text in (WEB, WEB.replace("80", "81")):
        assert (await loading.load(text)).errors == ()
    assert loading.pid is None


async def test_the_first_load_is_here(loading: Loading) -> None:
    """Nobody is served yet, and a start without another process is faster."""
    assert (await loading.load(large())).errors == ()
    assert loading.pid is None


async def test_large_ones_are_loaded_elsewhere(loading: Loading) -> None:
    """In one process that stays, with equal results: changed, added, removed and reordered routers."""
    await loading.load(large())
    assert (await loading.load(large((3, "b")))).errors == ()
    first = loading.pid
    assert first not in (None, os.getpid())
    for text in (
        large((4, "c"), (5, "c")),
        large() + router(1000),
        WEB + SERVICE + "".join(router(number) for number in reversed(range(1, 150))),
        WEB + SERVICE,
        large(),
    ):
        assert (await loading.load(text)).errors == ()
        assert loading.pid == first


async def test_a_hostile_directory(loading: Loading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is imported from where the gateway was started."""
    await loading.load(large())
    monkeypatch.chdir(hostile(tmp_path / "here"))
    assert (await loading.load(large((3, "b")))).errors == ()
    assert loading.pid is not None
    assert title(loading.pid) == "a3sgw: loader"


async def test_a_broken_one_says_where(loading: Loading) -> None:
    """Diagnostics come with their places, and the load after it is whole."""
    await loading.load(large())
    loaded = await loading.load(large().replace("rule ", "ruel ", 1))
    assert loaded.config is None
    line = large().split("rule ")[0].count("\n") + 1
    assert f"{loading.path}:{line}:3" in [str(one.place) for one in loaded.errors]
    assert len((await loading.load(large((3, "b")))).config.routers) == 150  # type: ignore[union-attr]  # it is whole


async def test_inspection_happens_where_it_was_loaded(loading: Loading) -> None:
    """What only compiling would find has a place, too."""
    await loading.load(large())
    loaded = await loading.load(large((7, "b")))
    assert loaded.config is None
    (found,) = loaded.errors
    assert found.summary == "not this one"
    assert found.place is not None
    assert loading.path.read_text().splitlines()[found.place.line - 1].count("b7.example") == 1
    assert (await loading.load(large())).config is not None


async def test_a_process_that_died_is_replaced(loading: Loading) -> None:
    """The load that needed it says so; the next one works."""
    await loading.load(large())
    await loading.load(large((3, "b")))
    first = loading.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    loaded = await loading.load(large())
    assert loaded.config is None
    assert loaded.errors[0].summary.startswith("loading was interrupted: ")
    assert loaded.errors[0].place is not None
    assert (await loading.load(large())).errors == ()
    assert loading.pid not in (None, first)


async def test_a_process_that_dies_while_it_loads(loading: Loading) -> None:
    """It may run out of memory in the middle of a file."""
    await loading.load(large())
    await loading.load(large((3, "b")))
    assert loading.pid is not None
    os.kill(loading.pid, signal.SIGSTOP)
    waiting = spawn(loading.loader.load(loading.path), "load")
    await asyncio.sleep(0)
    os.kill(loading.pid, signal.SIGKILL)
    assert "interrupted" in (await waiting).errors[0].summary
    assert (await loading.load(large((4, "b")))).errors == ()


async def test_closing_ends_the_process(loading: Loading) -> None:
    """A second time changes nothing."""
    await loading.load(large())
    await loading.load(large((3, "b")))
    pid = loading.pid
    assert pid is not None
    loading.loader.close()
    loading.loader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_extra_files_keep_their_last_good_text(tmp_path: Path) -> None:
    """Also when the load that broke one was the first in the other process."""
    (tmp_path / "conf.d").mkdir()
    extra = tmp_path / "conf.d" / "extra.hcl"
    extra.write_text(router(500))
    loading = Loading(tmp_path / "gateway.hcl")
    loading.path.write_text(large() + 'providers {\n  file { directory = "conf.d" }\n}\n')
    assert (await loading.loader.load(loading.path)).errors == ()
    extra.write_text("routers {")
    loaded = await loading.loader.load(loading.path)
    assert loading.pid is not None
    assert loaded.config is not None
    assert "r500" in loaded.config.routers
    assert [one.place.file for one in loaded.errors if one.place is not None] == [str(extra)]
    loading.loader.close()
