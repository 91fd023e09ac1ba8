"""Files that are read again when they change."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from a3sgw import files
from a3sgw.files import WatchedFile
from a3sgw.options import OptionError
from tests.support.live import until


def parse(content: bytes) -> int:
    if content == b"bad":
        raise OptionError("line 1 is bad", "write a number")
    return int(content)


def test_the_first_reading(tmp_path: Path) -> None:
    """It has what `parse` made of it, or is an error that says which option and what to do."""
    file = tmp_path / "n"
    file.write_text("1")
    assert WatchedFile(file, parse, "file").value == 1
    for content, summary, help in (("bad", f"{file}: line 1 is bad", "write a number"), ("x", f"{file}: invalid", "")):
        file.write_text(content)
        with pytest.raises(OptionError) as caught:
            WatchedFile(file, parse, "file")
        assert str(caught.value).startswith(summary)
        assert (caught.value.help, caught.value.key) == (help, "file")
    with pytest.raises(OptionError, match=r"cannot read .*none: No such file"):
        WatchedFile(tmp_path / "none", parse, "file")
    with pytest.raises(OptionError, match="Is a directory"):
        WatchedFile(tmp_path, parse, "file")


def test_a_file_of_any_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit it is a mistake."""
    monkeypatch.setattr(files, "LARGEST", 3)
    (tmp_path / "n").write_text("1234")
    with pytest.raises(OptionError, match="more than 3 bytes"):
        WatchedFile(tmp_path / "n", parse, "file")


async def test_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A new value is taken over and told; a broken file is complained about once, and the old value stays."""
    told: list[object] = []
    file = tmp_path / "n"
    file.write_text("1")
    watched = WatchedFile(file, parse, "file", changed=told.append, failed=lambda: told.append("failed"))
    await watched.look()
    assert told == []
    file.write_text("22")
    await watched.look()
    assert (watched.value, told) == (22, [22])
    for broken in ("bad", "bad"):
        file.write_text(broken)
        await watched.look()
    file.unlink()
    await watched.look()
    assert (watched.value, told) == (22, [22, "failed", "failed"])
    assert [one.levelno for one in caplog.records if one.levelno >= logging.ERROR] == [logging.ERROR] * 2
    file.write_text("22")
    await watched.look()
    assert told == [22, "failed", "failed"]
    file.unlink()
    await watched.look()
    assert told == [22, "failed", "failed", "failed"]
    file.write_text("333")
    await watched.look()
    assert watched.value == 333


async def test_a_link_that_moves_on(tmp_path: Path) -> None:
    """As volumes of Kubernetes change: the name stays, what it leads to is another."""
    for name, content in (("one", "1"), ("two", "2")):
        (tmp_path / name).write_text(content)
    link = tmp_path / "link"
    link.symlink_to("one")
    watched = WatchedFile(link, parse, "file")
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(link)
    await watched.look()
    assert watched.value == 2


async def test_it_looks_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From `open` to `close`."""
    monkeypatch.setattr(files, "EVERY", 0.01)
    file = tmp_path / "n"
    file.write_text("1")
    watched = WatchedFile(file, parse, "file")
    await watched.open()
    file.write_text("22")
    await until(lambda: watched.value == 22, "it was read again")
    await watched.close()
    await watched.close()
