"""The gateway's own log in this process: what the configuration says, except for what takes precedence."""

from __future__ import annotations

import logging
from pathlib import Path

from a3sgw.config.model import Log
from a3sgw.observe.log import LogHandler, configure

_log = logging.getLogger("a3sgw")


class OwnLog:
    """`level` and `format` are those of the command line; empty where it says nothing."""

    def __init__(self, level: str = "", format: str = "", worker: int | None = None) -> None:
        """With `worker`, every line says which one wrote it."""
        self._given = {key: value for key, value in (("level", level), ("format", format)) if value}
        self._level = ""
        self._worker = worker
        self._options = Log()
        self._handler = self._configure(self._options)

    def follow(self, options: Log) -> None:
        """Use `options` from now on; a file that cannot be opened is reported, and the log goes on where it was."""
        if options != self._options and self._use(options):
            self._options = options

    def show(self, level: str) -> None:
        """Show messages from `level` up, whatever else says; an empty one ends that. With a file that cannot be opened
        any more it begins with the next configuration."""
        self._level = level
        self._use(self._options)

    def _use(self, options: Log) -> bool:
        try:
            self._handler = self._configure(options)
        except OSError as error:
            _log.error("cannot write the log to %s: %s", options.file, error.strerror or error)
            return False
        return True

    def _configure(self, options: Log) -> LogHandler:
        level = {"level": self._level} if self._level else {}
        chosen = Log.model_validate(options.model_dump() | self._given | level)
        handler = configure(chosen.level, chosen.format, Path(chosen.file) if chosen.file else None)
        if self._worker is not None:
            handler.addFilter(_Signed(self._worker))
        return handler

    def reopen(self) -> None:
        """Follow a moved file."""
        self._handler.reopen()

    def flush(self) -> None:
        """Wait until everything is written."""
        self._handler.flush()


class _Signed(logging.Filter):
    """Adds the field `worker` to every record."""

    def __init__(self, worker: int) -> None:
        super().__init__()
        self._worker = worker

    def filter(self, record: logging.LogRecord) -> bool:
        record.worker = self._worker
        return True
