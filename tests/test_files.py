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


async def test_a_large_file_is_read_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process serves, nothing that takes long is done on its loop: the value comes when it is opened."""
    monkeypatch.setattr(files, "AT_ONCE", 3)
    told: list[int] = []
    file = tmp_path / "n"
    file.write_text("1234")
    assert WatchedFile(file, parse, "file").value == 1234
    watched = WatchedFile(file, parse, "file", changed=told.append, later=True)
    assert (watched.is_read, hasattr(watched, "value")) == (False, False)
    await watched.open()
    assert (watched.is_read, watched.value, told) == (True, 1234, [1234])
    await watched.close()
    file.write_text("text")
    broken = WatchedFile(file, parse, "file", later=True)
    with pytest.raises(OptionError, match="invalid literal") as caught:
        await broken.open()
    assert caught.value.key == "file"
    file.write_text("12")
    assert WatchedFile(file, parse, "file", later=True).value == 12


async def test_what_is_broken_is_not_read_again(tmp_path: Path) -> None:
    """Only when it changes: a large file that stays broken must not keep the machine busy."""
    reads: list[bytes] = []

    def noting(content: bytes) -> int:
        reads.append(content)
        return parse(content)

    file = tmp_path / "n"
    file.write_text("1")
    watched = WatchedFile(file, noting, "file")
    file.write_text("bad")
    for _ in range(3):
        await watched.look()
    assert reads == [b"1", b"bad"]
    file.write_text("1")
    await watched.look()
    file.write_text("bad")
    await watched.look()
    assert (watched.value, reads) == (1, [b"1", b"bad", b"bad"])
