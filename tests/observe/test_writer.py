"""The writer thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from a3sgw.observe.writer import Writer


def test_order_and_close(tmp_path: Path) -> None:
    """Chunks are in the file in the order they were put once `close` returns."""
    writer = Writer(tmp_path / "log", limit=1000)
    for number in range(100):
        assert writer.put(b"%d\n" % number)
    assert writer.close(10)
    assert (tmp_path / "log").read_bytes() == b"".join(b"%d\n" % number for number in range(100))
    assert writer.close(10)


def test_appends_and_is_not_world_readable(tmp_path: Path) -> None:
    """An existing log is continued; a new one is not readable by everybody."""
    for chunk in (b"a\n", b"b\n"):
        writer = Writer(tmp_path / "log")
        writer.put(chunk)
        writer.close(10)
    assert (tmp_path / "log").read_bytes() == b"a\nb\n"
    assert not (tmp_path / "log").stat().st_mode & 0o007


def test_wrong_path_is_found_at_start(tmp_path: Path) -> None:
    """A file that cannot be opened raises at once."""
    with pytest.raises(FileNotFoundError):
        Writer(tmp_path / "missing" / "log")


def test_reopen_after_move(tmp_path: Path) -> None:
    """What was put before `reopen` is in the moved file, what came after in a new one."""
    log, moved = tmp_path / "log", tmp_path / "log.1"
    writer = Writer(log)
    writer.put(b"before\n")
    log.rename(moved)
    writer.reopen()
    writer.put(b"after\n")
    writer.close(10)
    assert (moved.read_bytes(), log.read_bytes()) == (b"before\n", b"after\n")


def test_failed_reopen_keeps_the_old_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """When the path cannot be opened anew, lines go on to the file that is open, and stderr says why."""
    directory = tmp_path / "logs"
    directory.mkdir()
    writer = Writer(directory / "log")
    directory.rename(tmp_path / "moved")
    writer.reopen()
    writer.put(b"still here\n")
    writer.close(10)
    assert (tmp_path / "moved" / "log").read_bytes() == b"still here\n"
    assert "cannot write to" in capfd.readouterr().err


def test_stalled_output_never_blocks(tmp_path: Path) -> None:
    """When nobody reads the pipe, `put` says no after its queue is full, and `flush` and `close` give up in time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = Writer(pipe, limit=3)
    accepted = sum(writer.put(b"x" * 1_000_000) for _ in range(10))
    assert 3 <= accepted <= 4
    assert not writer.flush(0.01)
    assert not writer.close(0.01)
    os.close(reader)  # lets the thread end: its write fails
    assert writer.close(10)
    assert writer.lost == accepted


def test_write_errors_are_counted_and_reported_once(capfd: pytest.CaptureFixture[str]) -> None:
    """A full disk loses lines, counts them, and says so once on stderr."""
    writer = Writer(Path("/dev/full"))
    for _ in range(3):
        writer.put(b"a\nb\n", lines=2)
        assert writer.flush(10)
    writer.close(10)
    assert writer.lost == 6
    assert capfd.readouterr().err.count("No space left on device") == 1
