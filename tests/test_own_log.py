"""The gateway's own log, as the command line and the configuration say."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from a3sgw.config.model import Log
from a3sgw.observe.log import LogHandler
from a3sgw.own_log import OwnLog
from tests.support.descriptors import held

log = logging.getLogger("a3sgw.test")


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    """Each test leaves the process's logging as it found it."""
    root, ours = logging.getLogger(), logging.getLogger("a3sgw")
    levels = root.level, ours.level
    yield
    for handler in [handler for handler in root.handlers if isinstance(handler, LogHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def say(own: OwnLog) -> None:
    """One message of each level."""
    log.debug("fine")
    log.info("usual")
    log.warning("odd")
    log.error("wrong")
    own.flush()


def messages(path: Path) -> list[str]:
    """What is in a file of JSON lines."""
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


def test_following(tmp_path: Path) -> None:
    """Level, format and file are those of the configuration in use; the file before is closed."""
    own = OwnLog()
    before = held()
    first, second = tmp_path / "first", tmp_path / "second"
    own.follow(Log(level="warn", format="json", file=str(first)))
    say(own)
    own.follow(Log(level="debug", format="text", file=str(second)))
    say(own)
    assert messages(first) == ["odd", "wrong"]
    assert [line.split(":")[-1].strip() for line in second.read_text().splitlines()] == [
        "fine",
        "usual",
        "odd",
        "wrong",
    ]
    own.follow(Log())
    assert held() == before


def test_the_command_line_takes_precedence(tmp_path: Path) -> None:
    """For what it says; the rest is the configuration's."""
    path = tmp_path / "log"
    own = OwnLog(level="error", format="json")
    own.follow(Log(level="debug", format="text", file=str(path)))
    say(own)
    assert messages(path) == ["wrong"]


def test_showing_more_for_a_while(tmp_path: Path) -> None:
    """A level asked for at run time is above both, survives reloads, and ends."""
    path = tmp_path / "log"
    own = OwnLog(level="error", format="json")
    own.show("info")
    own.follow(Log(file=str(path)))
    say(own)
    own.show("debug")
    say(own)
    own.show("")
    say(own)
    assert messages(path) == ["usual", "odd", "wrong", "fine", "usual", "odd", "wrong", "wrong"]


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """Is reported where the log was, which goes on there; the same configuration may be tried again."""
    path, later = tmp_path / "log", tmp_path / "later" / "log"
    own = OwnLog(format="json")
    own.follow(Log(file=str(path)))
    own.follow(Log(level="error", file=str(later)))
    say(own)
    problem, *others = messages(path)
    assert problem == f"cannot write the log to {later}: No such file or directory"
    assert others == ["usual", "odd", "wrong"]
    later.parent.mkdir()
    own.follow(Log(level="error", file=str(later)))
    say(own)
    assert messages(later) == ["wrong"]


def test_showing_more_when_the_file_cannot_be_opened_any_more(tmp_path: Path) -> None:
    """As after its directory was removed, or rights were given up: it is reported, the log goes on where it was, and
    the level counts with the next configuration."""
    path = tmp_path / "folder" / "log"
    path.parent.mkdir()
    own = OwnLog(format="json")
    own.follow(Log(file=str(path)))
    moved = path.parent.rename(tmp_path / "moved") / "log"
    own.show("debug")
    say(own)
    assert messages(moved) == [f"cannot write the log to {path}: No such file or directory", "usual", "odd", "wrong"]
    path.parent.mkdir()
    own.follow(Log(level="warn", file=str(path)))
    say(own)
    assert messages(path) == ["fine", "usual", "odd", "wrong"]


def test_who_wrote_it(tmp_path: Path) -> None:
    """Each line of a worker says which one it is, after every change; those of the control plane do not."""
    path = tmp_path / "log"
    own = OwnLog(worker=0)
    own.follow(Log(format="json", file=str(path)))
    log.info("a")
    own.show("debug")
    log.info("b")
    own.flush()
    control = OwnLog()
    control.follow(Log(format="json", file=str(path)))
    log.info("c")
    control.flush()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("worker", "nobody") for line in lines] == [0, 0, "nobody"]


def test_reopening(tmp_path: Path) -> None:
    """A moved file is followed."""
    path = tmp_path / "log"
    own = OwnLog(format="json")
    own.follow(Log(file=str(path)))
    log.info("old")
    own.flush()
    moved = path.rename(tmp_path / "log.1")
    own.reopen()
    log.info("new")
    own.flush()
    assert (messages(moved), messages(path)) == (["old"], ["new"])
