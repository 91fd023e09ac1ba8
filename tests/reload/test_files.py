"""Every way in which a configuration file changes on disk is noticed (semantics T-56)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.live import hcl, live, until
from tests.support.origin import Origin


def edit_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def rename_over(path: Path, text: str) -> None:
    """As vim, sed -i and most deployment tools do."""
    fresh = path.with_name(path.name + "~new")
    fresh.write_text(text)
    fresh.replace(path)


def remove_and_write(path: Path, text: str) -> None:
    """As editors do that keep a backup."""
    path.rename(path.with_name(path.name + ".bak"))
    path.write_text(text)


@pytest.mark.parametrize("edit", [edit_in_place, rename_over, remove_and_write])
async def test_an_edit_is_taken_over(tmp_path: Path, origin: Origin, edit: object) -> None:
    """However an editor saves, the new text is in use soon after, and so is the next one."""
    assert callable(edit)
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        assert await running.version() == "1"
        for version in ("2", "3"):
            edit(path, hcl(origin.url, version))
            await running.becomes(version)


async def test_a_config_map_is_followed(tmp_path: Path, origin: Origin) -> None:
    """Kubernetes swaps the link ``..data``; the file's own link never changes."""

    def publish(version: str) -> None:
        fresh = tmp_path / f"..2026_{version}"
        fresh.mkdir()
        (fresh / "gateway.hcl").write_text(hcl(origin.url, version))
        (tmp_path / "..data_tmp").symlink_to(fresh.name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    publish("1")
    path = tmp_path / "gateway.hcl"
    path.symlink_to("..data/gateway.hcl")
    async with live(path) as running:
        assert await running.version() == "1"
        for version in ("2", "3"):
            publish(version)
            await running.becomes(version)


async def test_a_half_written_file_waits_for_its_rest(tmp_path: Path, origin: Origin) -> None:
    """While only half of a file is there the old configuration serves; the rest makes it whole."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    text = hcl(origin.url, "2")
    async with live(path) as running:
        await running.refuses(lambda: path.write_text(text[: len(text) // 2]))
        assert await running.version() == "1"
        with path.open("a") as rest:
            rest.write(text[len(text) // 2 :])
        await running.becomes("2")


async def test_an_emptied_file_changes_nothing(tmp_path: Path, origin: Origin) -> None:
    """A file that was truncated and not yet written is no configuration."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        await running.refuses(lambda: path.write_text(""))
        assert await running.version() == "1"


async def test_a_removed_file_changes_nothing(tmp_path: Path, origin: Origin) -> None:
    """A file that is gone leaves the old configuration in use until there is one again."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        await running.refuses(path.unlink)
        assert await running.version() == "1"
        path.write_text(hcl(origin.url, "2"))
        await running.becomes("2")


async def test_watching_can_be_switched_off(tmp_path: Path, origin: Origin) -> None:
    """Without watching an edit waits for a reload that is asked for."""
    path = tmp_path / "gateway.hcl"
    off = "providers {\n  file { watch = false }\n}\n"
    path.write_text(hcl(origin.url, "1", off))
    async with live(path) as running:
        path.write_text(hcl(origin.url, "2", off))
        assert await running.version() == "1"
        assert await running.gateway.reload()
        assert await running.version() == "2"


async def test_a_directory_is_a_configuration(tmp_path: Path, origin: Origin) -> None:
    """The *.hcl files of a directory are one configuration; any of them may change, appear or go."""
    whole = hcl(origin.url, "1")
    start = whole.index('middlewares "version"')
    end = whole.index('services "origin"')
    (tmp_path / "10-main.hcl").write_text(whole[:start] + whole[end:])
    (tmp_path / "20-version.hcl").write_text(whole[start:end])
    async with live(tmp_path) as running:
        assert await running.version() == "1"
        (tmp_path / "20-version.hcl").write_text(whole[start:end].replace('"1"', '"2"'))
        await running.becomes("2")
        (tmp_path / "30-version.hcl").write_text(whole[start:end].replace('"1"', '"3"'))
        await until(lambda: running.reloads("failure"), "two middlewares of one name are refused")
        (tmp_path / "20-version.hcl").unlink()
        await running.becomes("3")
