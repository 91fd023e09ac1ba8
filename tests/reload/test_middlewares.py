"""Middlewares outlive reloads that leave them alone; a new one opens before the old one closes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.diary import Diary
from tests.support.live import GET, hcl, live, until
from tests.support.origin import Origin


@pytest.fixture(autouse=True)
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Registers the kind `diary` as an installed package does: by an entry point in its metadata."""
    metadata = tmp_path / "packages" / "diary-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: diary\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[a3sgw.middlewares]\ndiary = tests.support.diary\n")
    monkeypatch.syspath_prepend(metadata.parent)
    Diary.entries.clear()
    Diary.gate = asyncio.Event()
    return Diary.entries


def text(origin: str, version: str, *diaries: str) -> str:
    """The usual configuration with one more middleware per diary: its label and further options."""
    blocks = "".join(
        f'middlewares "d{index}" {{\n  type = "diary"\n  label = {options}\n}}\n'
        for index, options in enumerate(diaries)
    )
    names = "".join(f', "d{index}"' for index in range(len(diaries)))
    return hcl(origin, version, blocks).replace('["version"]', f'["version"{names}]')


async def test_an_unchanged_one_is_kept(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """Whatever else changes, it is opened once and closed at the end."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"'))
    async with live(path) as running:
        for version in ("2", "3"):
            path.write_text(text(origin.url, version, '"a"'))
            await running.becomes(version)
        assert [one for one in diary if not one.startswith("request")] == ["open a"]
    assert diary[-1] == "close a"


async def test_a_changed_one_is_replaced(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """The new one is opened before the swap, the old one closed after it; the other stays."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"', '"b"'))
    async with live(path) as running:
        path.write_text(text(origin.url, "2", '"a"', '"c"'))
        assert await running.gateway.reload()
        await until(lambda: "close b" in diary, "the old one is closed")
        assert diary == ["open a", "open b", "open c", "close b"]
        assert await running.version() == "2"
        assert diary[4:] == ["request a", "request c"]


async def test_a_removed_one_is_closed(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """It goes with the configuration that named it."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"'))
    async with live(path) as running:
        path.write_text(text(origin.url, "2"))
        assert await running.gateway.reload()
        await until(lambda: "close a" in diary, "it is closed")


async def test_a_failing_open_changes_nothing(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """The old configuration serves on, what was opened for the new one is closed, and the reason is reported."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"'))
    async with live(path) as running:
        path.write_text(text(origin.url, "2", '"a"', '"b"', '"c"\n  fails = true'))
        assert await running.gateway.reload() is False
        assert diary == ["open a", "open b", "open c", "close b"]
        assert await running.version() == "1"
        assert "the other side does not answer" in str(running.gateway.problems()[0])
        path.write_text(text(origin.url, "3", '"a"'))
        await running.becomes("3")
        assert running.gateway.problems() == ()


async def test_a_failing_bind_opens_nothing(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """A middleware of a configuration that cannot listen is never opened."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"'))
    async with live(path) as running:
        taken = f'entrypoints "taken" {{ address = "{origin.url[7:]}" }}\n'
        path.write_text(text(origin.url, "2", '"a"', '"b"') + taken)
        assert await running.gateway.reload() is False
        assert diary == ["open a"]
        assert await running.version() == "1"


async def test_a_replaced_one_closes_after_its_last_exchange(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """An exchange that waits in the old one goes on there; only then it is closed."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"\n  waits = true'))
    async with live(path) as running:
        waiting = await running.connect()
        await waiting.send(GET)
        await until(lambda: "request a" in diary, "it is asked")
        path.write_text(text(origin.url, "2", '"b"'))
        assert await running.gateway.reload()
        assert await running.version() == "2"
        assert "close a" not in diary
        Diary.gate.set()
        assert (await waiting.message()).get(b"x-version") == b"1"
        await until(lambda: "close a" in diary, "it is closed")
        assert diary.index("passed a") < diary.index("close a")
    assert diary[-1] == "close b"


async def test_stopping_closes_what_was_replaced(tmp_path: Path, origin: Origin, diary: list[str]) -> None:
    """Each one that was opened is closed exactly once, also when the gateway stops in between."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, "1", '"a"\n  waits = true'))
    async with live(path) as running:
        waiting = await running.connect()
        await waiting.send(GET)
        await until(lambda: "request a" in diary, "it is asked")
        path.write_text(text(origin.url, "2", '"b"'))
        assert await running.gateway.reload()
    assert sorted(one for one in diary if one.startswith("close")) == ["close a", "close b"]
