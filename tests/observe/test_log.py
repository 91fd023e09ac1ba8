"""The application log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from a3sgw.observe.log import JsonFormatter, LogHandler, TextFormatter, configure


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


def event(message: str, severity: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    """A log record at a fixed time."""
    made = logging.makeLogRecord({"name": "a3sgw.gateway", "levelno": severity, "msg": message, **fields})
    made.created = 1795245393.125
    return made


def test_text() -> None:
    """Text is time, level, logger, message and the fields of `extra`, quoted where needed."""
    line = TextFormatter(colour=False).format(event("reloaded", routes=12, file="a b.hcl", empty="", quote='x"y'))
    assert line == ('2026-11-21T07:16:33.125Z info  gateway: reloaded routes=12 file="a b.hcl" empty="" quote="x\\"y"')


def test_colour() -> None:
    """On a terminal the level is coloured and the colour ends with it."""
    assert "\x1b[31merror\x1b[0m gateway: no" in TextFormatter(colour=True).format(event("no", logging.ERROR))


def test_json() -> None:
    """JSON has the same content as keys; a field cannot replace the level or the message."""
    line = JsonFormatter().format(event("reloaded", logging.WARNING, routes=12, file=Path("a.hcl"), level="fake"))
    assert json.loads(line) == {
        "time": "2026-11-21T07:16:33.125Z",
        "level": "warn",
        "logger": "a3sgw.gateway",
        "message": "reloaded",
        "routes": 12,
        "file": "a.hcl",
        "field_level": "fake",
    }


@pytest.mark.parametrize("formatter", [TextFormatter(colour=False), JsonFormatter()])
def test_control_characters_are_escaped(formatter: logging.Formatter) -> None:
    """Neither message nor field can start a second line or send a terminal an escape sequence."""
    line = formatter.format(event("a\nb\x1b[2J\x9b", path="c\r\nd\u2028"))
    assert line.isprintable()


@pytest.mark.parametrize("formatter", [TextFormatter(colour=False), JsonFormatter()])
def test_traceback(formatter: logging.Formatter) -> None:
    """An exception's traceback is part of the event, its own text escaped."""
    try:
        raise ValueError("bad\x1b[2J")
    except ValueError as error:
        line = formatter.format(event("failed", exc_info=(ValueError, error, error.__traceback__)))
    assert "ValueError: bad\\" in line
    assert "\x1b" not in line


def test_configure_file_levels_and_reopen(tmp_path: Path) -> None:
    """The level holds for the gateway, libraries speak from warn up, and a moved file is followed."""
    path, moved = tmp_path / "log", tmp_path / "log.1"
    handler = configure("debug", "json", path)
    logging.getLogger("a3sgw.gateway").debug("one", extra={"n": 1})
    logging.getLogger("library").info("hidden")
    logging.getLogger("library").warning("two")
    handler.flush()
    path.rename(moved)
    handler.reopen()
    logging.getLogger("a3sgw").info("three")
    handler.flush()
    assert [json.loads(line)["message"] for line in moved.read_text().splitlines()] == ["one", "two"]
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["three"]


def test_configure_again_replaces(tmp_path: Path) -> None:
    """Configuring a second time does not write every line twice."""
    first = configure("info", "text", tmp_path / "first")
    handler = configure("error", "text", tmp_path / "second")
    logging.getLogger("a3sgw").error("once")
    logging.getLogger("a3sgw").warning("too quiet")
    handler.flush()
    assert first not in logging.getLogger().handlers
    assert (tmp_path / "first").read_text() == ""
    assert (tmp_path / "second").read_text().count("\n") == 1


def test_stderr_is_plain_when_it_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a file the log goes to stderr, without colours when nobody looks."""
    handler = configure()
    logging.getLogger("a3sgw.gateway").info("up")
    handler.flush()
    assert capfd.readouterr().err.endswith("info  gateway: up\n")
