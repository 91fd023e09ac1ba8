"""Bytes to a file or standard stream from a thread: a full disk or a stalled pipe never stops the event loop."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from a3sgw.observe.lines import Lines

Target = Path | Literal["stdout", "stderr"]

_STANDARD = {"stdout": 1, "stderr": 2}


class Writer:
    """Writes chunks of whole lines in the order they were put, through one thread and a queue of `limit` chunks.

    Opening a file happens at once and raises `OSError`, so that a wrong path is found at start. Later failures lose
    the chunk and count its lines in `lost`; the first of a series is reported on stderr. The thread starts with the
    first chunk, so a process that forks before writing is safe.
    """

    def __init__(self, target: Target, limit: int = 64) -> None:
        self._target = target
        self._limit = limit
        self._queue: SimpleQueue[tuple[bytes, int] | threading.Event | Literal["reopen", "stop"]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._descriptor = self._open()
        self._lines = self._on_lines()
        self._failing = False
        self.lost = 0
        """Lines lost to write errors. Only the thread adds to it."""

    def _open(self) -> int:
        if isinstance(self._target, Path):
            return os.open(self._target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return _STANDARD[self._target]

    def _on_lines(self) -> Lines:
        return Lines(self._descriptor, own=isinstance(self._target, Path))

    # Called by the event loop's thread...

    def put(self, chunk: bytes, lines: int = 1) -> bool:
        """Queue `chunk`, which holds `lines` lines; False, and nothing queued, when the output cannot keep up."""
        if self._queue.qsize() >= self._limit:
            return False
        self._queue.put((chunk, lines))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"a3sgw-write-{self._target}", daemon=True)
            self._thread.start()
        return True

    def reopen(self) -> None:
        """Open the file anew after everything queued so far is written (log rotation); a stream stays as it is."""
        if self._thread is None:
            self._swap()
        else:
            self._queue.put("reopen")

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until everything queued so far is written; blocks the caller."""
        if self._thread is None:
            return True
        written = threading.Event()
        self._queue.put(written)
        return written.wait(timeout)

    def close(self, timeout: float) -> bool:
        """Write what is queued, end the thread, close the file; False if the output stalled for `timeout` seconds."""
        if self._thread is not None:
            self._queue.put("stop")
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
            self._thread = None
        self._close_descriptor()
        return True

    # The thread...

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if isinstance(item, tuple):
                self._write(*item)
            elif isinstance(item, threading.Event):
                item.set()
            elif item == "reopen":
                self._swap()
            else:
                return

    def _write(self, chunk: bytes, lines: int) -> None:
        try:
            self._lines.write(chunk)
            self._failing = False
        except OSError as error:
            self.lost += lines
            self._report(error)

    def _swap(self) -> None:
        try:
            fresh = self._open()
        except OSError as error:
            self._report(error)
            return
        self._close_descriptor()
        self._descriptor = fresh
        self._lines = self._on_lines()

    def _report(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            with contextlib.suppress(OSError):
                os.write(2, f"a3sgw: cannot write to {self._target}: {error.strerror}\n".encode())

    def _close_descriptor(self) -> None:
        if isinstance(self._target, Path) and self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
