"""Where to look for changes, and what counts as one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio

from a3sgw.config.load import Loaded
from a3sgw.providers import file
from a3sgw.providers.file import FileProvider, directories, files, signature
from a3sgw.tasks import spawn
from tests.support.live import until

TEXT = 'entrypoints "web" { address = ":80" }\n'
OTHER = 'entrypoints "web" { address = ":81" }\n'


class Watch:
    """A provider that is watching; `loads` is what it has yielded, `looks` how often it has compared content."""

    def __init__(self, provider: FileProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        self.provider = provider
        self.loads: list[Loaded] = []
        self.looks = 0
        real = file._content

        def counted(watched: Iterable[Path]) -> bytes:
            self.looks += 1
            return real(watched)

        monkeypatch.setattr(file, "_content", counted)
        self.task = spawn(self._run(), "watch")

    async def _run(self) -> None:
        async for loaded in self.provider.watch():
            self.loads.append(loaded)

    async def looked(self) -> None:
        """Wait for the next comparison."""
        before = self.looks
        await until(lambda: self.looks > before, "the provider looks")

    async def loaded(self) -> Loaded:
        """Wait for the next load."""
        before = len(self.loads)
        await until(lambda: len(self.loads) > before, "the provider loads")
        return self.loads[-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.hcl"
    path.write_text(TEXT)
    return path


@pytest_asyncio.fixture
async def watch(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    provider = FileProvider(path)
    assert (await provider.load()).config is not None
    watching = Watch(provider, monkeypatch)
    yield watching
    watching.task.cancel()
    await asyncio.gather(watching.task, return_exceptions=True)
    provider.close()


async def test_a_touch_is_seen_and_not_loaded(watch: Watch, path: Path) -> None:
    """Content counts: a new date, or the same text in a new file, changes nothing."""
    await watch.looked()
    for touch in (lambda: os.utime(path, (1, 1)), lambda: path.write_text(TEXT)):
        watching = spawn(watch.looked(), "look")
        await asyncio.sleep(0)
        touch()
        await watching
    assert watch.loads == []
    path.write_text(OTHER)
    loaded = await watch.loaded()
    assert loaded.config is not None
    assert loaded.config.entrypoints["web"].address.port == 81


async def test_a_change_before_the_watch_is_not_missed(path: Path) -> None:
    """What changes between loading and watching is loaded when the watch begins."""
    provider = FileProvider(path)
    await provider.load()
    path.write_text(OTHER)
    watching = provider.watch()
    loaded = await anext(watching)
    await watching.aclose()
    provider.close()
    assert loaded.config is not None
    assert loaded.config.entrypoints["web"].address.port == 81


async def test_a_change_while_loading_is_not_missed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes after it was read and before the load is over is loaded again."""
    provider = FileProvider(path)
    real = provider._loader.load

    async def slow(path: Path) -> Loaded:
        loaded = await real(path)
        if path.read_text() == TEXT:
            path.write_text(OTHER)
        return loaded

    monkeypatch.setattr(provider._loader, "load", slow)
    first = await provider.load()
    assert first.config is not None
    assert first.config.entrypoints["web"].address.port == 80
    watching = provider.watch()
    second = await anext(watching)
    await watching.aclose()
    provider.close()
    assert second.config is not None
    assert second.config.entrypoints["web"].address.port == 81


async def test_a_directory_that_comes_later_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``providers.file.directory`` may be created, and filled, while the gateway runs."""
    path = tmp_path / "gateway.hcl"
    path.write_text(TEXT + 'providers {\n  file { directory = "conf.d" }\n}\n')
    provider = FileProvider(path)
    await provider.load()
    watch = Watch(provider, monkeypatch)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "more.hcl").write_text(OTHER.replace("web", "more"))
    await until(lambda: watch.loads and "more" in getattr(watch.loads[-1].config, "entrypoints", ()), "it is loaded")
    watch.task.cancel()
    await asyncio.gather(watch.task, return_exceptions=True)
    provider.close()


async def test_what_was_loaded_is_not_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look after a start finds nothing new, also in the directory that the configuration names."""
    path = tmp_path / "gateway.hcl"
    path.write_bytes(b"\xef\xbb\xbf" + (TEXT + 'providers {\n  file { directory = "conf.d" }\n}\n').encode())
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "more.hcl").write_text(OTHER.replace("web", "more"))
    (tmp_path / "conf.d" / ".more.hcl").write_text("what an editor keeps")
    provider = FileProvider(path)
    assert (await provider.load()).errors == ()
    watch = Watch(provider, monkeypatch)
    await until(lambda: watch.looks >= 2, "the provider has looked")
    assert watch.loads == []
    watch.task.cancel()
    await asyncio.gather(watch.task, return_exceptions=True)
    provider.close()


def test_a_file_is_watched_through_its_directory(tmp_path: Path) -> None:
    """For a link, both the directory it is in and the one it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.hcl").touch()
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "a.hcl"
    link.symlink_to("../real/a.hcl")
    assert {tmp_path / "links", tmp_path / "real"} <= set(directories([link]))


def test_a_missing_directory_is_looked_for_in_its_parent(tmp_path: Path) -> None:
    """What does not exist cannot be watched, but its creation can be seen."""
    assert directories([tmp_path / "later"]) == [tmp_path]
    assert directories([tmp_path / "much" / "later"]) == []


def test_a_directory_holds_its_hcl_files(tmp_path: Path) -> None:
    """In name order, nothing else; a file stands for itself."""
    for name in ("b.hcl", "a.hcl", "a.hcl.swp", "readme.md"):
        (tmp_path / name).touch()
    assert files([tmp_path]) == [tmp_path / "a.hcl", tmp_path / "b.hcl"]
    assert files([tmp_path / "b.hcl"]) == [tmp_path / "b.hcl"]


def test_a_signature_changes_with_every_edit(tmp_path: Path) -> None:
    """Writing, replacing, adding and removing all show; a file that is not there is left out."""
    path = tmp_path / "a.hcl"
    seen = {signature([tmp_path])}
    path.write_text("1")
    seen.add(signature([tmp_path]))
    path.write_text("12")
    seen.add(signature([tmp_path]))
    fresh = tmp_path / "fresh"
    fresh.write_text("12")
    fresh.replace(path)
    seen.add(signature([tmp_path]))
    (tmp_path / "b.hcl").touch()
    seen.add(signature([tmp_path]))
    assert len(seen) == 5
    assert signature([tmp_path / "gone.hcl"]) == ()


def test_relative_names_are_looked_up_beside_the_configuration(tmp_path: Path) -> None:
    """Beside the file, or in the directory that is the configuration."""
    assert FileProvider(tmp_path / "gateway.hcl").directory == tmp_path
    assert FileProvider(tmp_path).directory == tmp_path
