"""The application log: Python's logging, shown as text for people or JSON lines for machines."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any, Literal

from a3sgw.observe.clock import Stamps
from a3sgw.observe.writer import Writer

Level = Literal["debug", "info", "warn", "error"]
Format = Literal["text", "json"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_NAMES = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[36m", "warn": "\x1b[33m", "error": "\x1b[31m"}
_RESET = "\x1b[0m"
_BUILT_IN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
FLUSH_TIMEOUT = 2.0
"""Seconds that flushing and closing wait for an output that does not take its bytes."""


def configure(level: Level = "info", format: Format = "text", file: Path | None = None) -> LogHandler:
    """Send the log of the whole process to `file`, or to stderr; what an earlier call installed is replaced.

    `level` holds for the gateway's own loggers; libraries are shown from "warn" up. Returns the handler, whose
    `reopen()` follows a moved file. Raises `OSError` when the file cannot be opened.
    """
    colour = format == "text" and file is None and os.isatty(2) and "NO_COLOR" not in os.environ
    formatter = JsonFormatter() if format == "json" else TextFormatter(colour)
    handler = LogHandler(Writer(file or "stderr", limit=4096))
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, LogHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    logging.getLogger("a3sgw").setLevel(_LEVELS[level])
    return handler


class LogHandler(logging.Handler):
    """Hands formatted lines to a writer thread; when the output stalls, lines are dropped and `dropped` counts them."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Format and queue one line; a record that cannot be formatted is reported by `logging` itself."""
        try:
            line = self.format(record) + "\n"
        except Exception:
            self.handleError(record)
            return
        if not self._writer.put(line.encode("utf-8", "backslashreplace")):
            self.dropped += 1

    def reopen(self) -> None:
        """Open the file anew (SIGUSR1, after the file was moved)."""
        self._writer.reopen()

    def flush(self) -> None:
        """Wait, at most two seconds, until every line is out."""
        self._writer.flush(FLUSH_TIMEOUT)

    def close(self) -> None:
        """Write what is queued and stop; `logging` calls it at exit."""
        self._writer.close(FLUSH_TIMEOUT)
        super().close()


class TextFormatter(logging.Formatter):
    """``2026-11-21T07:16:33.123Z info  gateway: reloaded routes=12``; one line per event, traceback lines indented."""

    def __init__(self, colour: bool) -> None:
        super().__init__()
        self._colour = colour
        self._stamps = Stamps()

    def format(self, record: logging.LogRecord) -> str:
        level = _level(record)
        shown = f"{_COLOURS[level]}{level:<5}{_RESET}" if self._colour else f"{level:<5}"
        logger = record.name.removeprefix("a3sgw.")
        fields = "".join(f" {key}={_quoted(value)}" for key, value in _fields(record).items())
        line = f"{self._stamps.at(record.created)} {shown} {logger}: {_escaped(record.getMessage())}{fields}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {_escaped(part)}" for part in trace.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, the fields of `extra`, and `traceback`."""

    def __init__(self) -> None:
        super().__init__()
        self._stamps = Stamps()

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self._stamps.at(record.created),
            "level": _level(record),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {f"field_{key}" if key in line else key: value for key, value in _fields(record).items()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _level(record: logging.LogRecord) -> str:
    return _NAMES.get(record.levelno, "error" if record.levelno > logging.WARNING else "info")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller passed as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _BUILT_IN}


def _quoted(value: object) -> str:
    text = _escaped(str(value))
    return '"' + text.replace('"', '\\"') + '"' if _NEEDS_QUOTES.search(text) else text


def _escaped(text: str) -> str:
    """Control characters made visible: a log line never moves a terminal's cursor or forges a second line."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
