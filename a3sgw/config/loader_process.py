"""Loads configurations beside the traffic: anything but a small one in a process of its own.

Parsing 10,000 routers takes seconds of Python; in a thread it would take the interpreter away from the event loop for
five milliseconds at a time. The process stays, because what it has parsed makes the next load fast, and it sends only
what has changed, in pieces small enough that receiving them does not hold up a request.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from a3sgw.collection import collection_paused
from a3sgw.config.document import Document
from a3sgw.config.load import Inspect, Loaded, Loader, no_inspection
from a3sgw.diagnostic import Diagnostic, Place
from a3sgw.interpreter import command
from a3sgw.title import set_title

LARGE = 8 * 1024
"""Bytes of configuration from which on a reload is loaded elsewhere."""

_SECTIONS = ("entrypoints", "routers", "services", "middlewares")
_PIECE = 20
"""Items per message: unpickling them takes about half a millisecond."""


class LoaderProcess:
    """The first load happens here, when nobody is served yet; later ones elsewhere unless they are small."""

    def __init__(self, inspect: Inspect = no_inspection) -> None:
        self._inspect = inspect
        self._loader = Loader(inspect=inspect)
        self._loads = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._known: dict[str, dict[str, Any]] = {}
        self._busy = asyncio.Lock()

    async def load(self, path: Path) -> Loaded:
        """As `Loader.load`; one at a time. Results from elsewhere have a document without places."""
        async with self._busy:
            self._loads += 1
            if self._process is None and (self._loads == 1 or _size(path) < LARGE):
                with collection_paused():
                    return self._loader.load(path)
            try:
                return await asyncio.to_thread(self._ask, path)
            except (EOFError, OSError) as error:
                self.close()
                problem = Diagnostic(
                    "error", Place(str(path)), f"loading was interrupted: {str(error) or 'out of memory?'}"
                )
                return Loaded(None, (problem,), Document(), self._loader.good, (path,))

    def _ask(self, path: Path) -> Loaded:
        if self._pipe is None or self._process is None:
            self._process, self._pipe = _start()
            self._pipe.send((self._loader.good, self._inspect))
            self._known = {}
            self._loader = Loader(good=self._loader.good, inspect=self._inspect)
        self._pipe.send(path)
        with collection_paused():
            return self._receive(self._pipe)

    def _receive(self, pipe: Connection) -> Loaded:
        """Put what has changed to what is known."""
        changed: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
        order: dict[str, list[str]] = {}
        while True:
            kind, section, content = pipe.recv()
            if kind == "items":
                changed[section].update(content)
            elif kind == "order":
                order.setdefault(section, []).extend(content)
            else:
                break
        loaded: Loaded = content
        if loaded.config is not None:
            for section in _SECTIONS:
                items = self._known.get(section, {}) | changed[section]
                names = order.get(section, list(self._known.get(section, {})))
                self._known[section] = {name: items[name] for name in names}
            loaded = replace(loaded, config=loaded.config.model_copy(update=dict(self._known)))
        self._loader.good = dict(loaded.good)
        return loaded

    def close(self) -> None:
        """End the process, if there is one."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.kill()  # it holds nothing that would be lost
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process = None


def _start() -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = socket.socketpair()
    line = command("a3sgw.config.loader_process", str(theirs.fileno()))
    with ours, theirs:  # not multiprocessing's "spawn": it imports what lies in the working directory
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: S603 -- our own
        return process, Connection(ours.detach())


def main(descriptor: str) -> int:
    """The other process: answer until the pipe at `descriptor` closes."""
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # for the gateway, though the whole group may get them
    set_title("loader")
    with (
        Connection(int(descriptor)) as pipe,
        suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt),
    ):
        _serve(pipe)
    return 0


def _serve(pipe: Connection) -> None:
    good, inspect = pipe.recv()
    loader = Loader(good=good, inspect=inspect)
    known: dict[str, dict[str, Any]] = {}
    while True:
        loaded = loader.load(pipe.recv())
        found = tuple(inspect(loaded))
        if found:
            loaded = replace(loaded, config=None, diagnostics=(*loaded.diagnostics, *found))
        for message in _messages(loaded, known):
            pipe.send(message)


def _messages(loaded: Loaded, known: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    """What is new since the last good result, then the rest; updates `known`."""
    config = loaded.config
    if config is not None:
        for section in _SECTIONS:
            now: dict[str, Any] = getattr(config, section)
            before = known.get(section, {})
            changed = [(name, item) for name, item in now.items() if before.get(name) != item]
            for start in range(0, len(changed), _PIECE):
                yield "items", section, dict(changed[start : start + _PIECE])
            names = list(now)
            if section not in known or names != list(before):
                yield "order", section, []
                for start in range(0, len(names), 500):
                    yield "order", section, names[start : start + 500]
            known[section] = dict(now)
        config = config.model_copy(update={section: {} for section in _SECTIONS})
    yield "end", "", replace(loaded, config=config, document=Document())


def _size(path: Path) -> int:
    """Bytes of configuration at `path`, as far as its name alone tells."""
    try:
        names = path.glob("*.hcl") if path.is_dir() else [path]
        return sum(name.stat().st_size for name in names)
    except OSError:
        return 0
