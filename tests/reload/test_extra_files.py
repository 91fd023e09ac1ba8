"""Files of ``providers.file.directory``: each counts for itself, and a broken one disables no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.live import Live, fetch, hcl, live, until
from tests.support.origin import Origin


def part(name: str, version: str) -> str:
    """A fragment that answers ``/name`` with its version."""
    return f"""
routers "{name}" {{
  rule        = "PathPrefix(`/{name}`)"
  service     = "origin"
  middlewares = ["{name}"]
}}
middlewares "{name}" {{
  type             = "headers"
  response_headers = {{ "X-Version" = "{version}" }}
}}
"""


class Parts:
    """A gateway with two fragments."""

    def __init__(self, running: Live, directory: Path) -> None:
        self.running = running
        self.directory = directory

    def write(self, name: str, text: str) -> None:
        (self.directory / f"{name}.hcl").write_text(text)

    async def versions(self) -> str:
        """What answers ``/a`` and ``/b``."""
        address = self.running.gateway.addresses["web"][0]
        answers = [await fetch(address, path) for path in ("/a", "/b")]
        return " ".join((answer.get(b"x-version") or b"").decode() for answer in answers)

    async def become(self, versions: str) -> None:
        async def here() -> bool:
            return await self.versions() == versions

        await until(here, f"versions {versions}")


@pytest_asyncio.fixture
async def parts(tmp_path: Path, origin: Origin) -> AsyncIterator[Parts]:
    directory = tmp_path / "conf.d"
    directory.mkdir()
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "main", f'providers {{\n  file {{ directory = "{directory}" }}\n}}\n'))
    (directory / "a.hcl").write_text(part("a", "a1"))
    (directory / "b.hcl").write_text(part("b", "b1"))
    async with live(path) as running:
        yield Parts(running, directory)


async def test_a_file_changes(parts: Parts) -> None:
    """The other one stays as it is."""
    assert await parts.versions() == "a1 b1"
    parts.write("a", part("a", "a2"))
    await parts.become("a2 b1")


async def test_files_come_and_go(parts: Parts) -> None:
    """What a file brought leaves with it."""
    (parts.directory / "b.hcl").unlink()
    await parts.become("a1 main")
    parts.write("c", part("b", "c1"))
    await parts.become("a1 c1")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("routers {", id="syntax"),
        pytest.param(part("b", "b2").replace("type ", "tipe "), id="unknown key"),
        pytest.param(part("b", "b2").replace('"origin"', '"nobody"'), id="unknown service"),
        pytest.param(part("b", "b2").replace("PathPrefix(", "PathPrefxi("), id="rule"),
        pytest.param(part("b", "b2") + 'services "l" {\n  scaling {}\n}\n', id="later"),
    ],
)
async def test_a_broken_file_stays_as_it_was(parts: Parts, broken: str) -> None:
    """The last usable text of the broken file goes on; changes of others take effect; the problem is shown."""
    parts.write("b", broken)
    problems: list[str] = []

    async def reported() -> bool:
        found = (await parts.running.admin("/api/gateway/problems"))["problems"]
        problems[:] = [one["place"] for one in found]
        return bool(problems)

    await until(reported, "the problem is reported")
    assert problems[0].startswith(str(parts.directory / "b.hcl"))
    parts.write("a", part("a", "a2"))
    await parts.become("a2 b1")
    assert await reported()
    assert await parts.running.metric("a3sgw_config_last_reload_success") == 0
    parts.write("b", part("b", "b3"))
    await parts.become("a2 b3")
    assert not await reported()
    assert await parts.running.metric("a3sgw_config_last_reload_success") == 1


async def test_a_file_that_is_broken_at_start_is_left_out(tmp_path: Path, origin: Origin) -> None:
    """The gateway starts with the rest, says so, and takes the file in once it is mended."""
    directory = tmp_path / "conf.d"
    directory.mkdir()
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "main", f'providers {{\n  file {{ directory = "{directory}" }}\n}}\n'))
    (directory / "a.hcl").write_text(part("a", "a1"))
    (directory / "b.hcl").write_text("routers {")
    async with live(path) as running:
        parts = Parts(running, directory)
        assert await parts.versions() == "a1 main"
        assert (await running.admin("/api/gateway/problems"))["config_last_reload_success"] is False
        assert await running.metric("a3sgw_config_last_reload_success") == 0
        parts.write("b", part("b", "b1"))
        await parts.become("a1 b1")
        assert await running.metric("a3sgw_config_last_reload_success") == 1
