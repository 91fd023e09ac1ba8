"""Loads configurations beside the traffic: large ones in a process of their own.

Parsing 10,000 routers takes seconds of Python; in a thread it would take the interpreter away from the event loop for
five
milliseconds at a time. The process stays, because what it has parsed makes the next load fast.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from a3sgw.config.load import Loaded, Loader
from a3sgw.diagnostic import Diagnostic, Place

LARGE = 96 * 1024
"""Bytes of configuration from which on loading gets its own process."""


class LoaderProcess:
    """Loads in this process while configurations are small, in another one from the first large one on."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._busy = asyncio.Lock()

    async def load(self, path: Path) -> Loaded:
        """As `Loader.load`; one at a time."""
        async with self._busy:
            if self._process is None and _size(path) < LARGE:
                return self._loader.load(path)
            try:
                return await asyncio.to_thread(self._ask, path)
            except (EOFError, OSError) as error:
                self.close()
                problem = Diagnostic("error", Place(str(path)), f"loading was interrupted: {error or 'out of memory?'}")
                return Loaded(None, (problem,), self._loader.load_text("").document, watched=(path,))

    def _ask(self, path: Path) -> Loaded:
        if self._pipe is None or self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._loader.good), name="a3sgw-loader", daemon=True
            )
            self._process.start()
            theirs.close()
        self._pipe.send(path)
        loaded = self._pipe.recv()
        assert isinstance(loaded, Loaded)
        return loaded

    def close(self) -> None:
        """End the process, if there is one."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.terminate()
            self._process.join(5)
            self._process = None


def _serve(pipe: Connection, good: dict[str, str]) -> None:
    """The other process: answer until the pipe closes."""
    loader = Loader(good=good)
    while True:
        try:
            path = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        pipe.send(loader.load(path))


def _size(path: Path) -> int:
    """Bytes of configuration at `path`, as far as its name alone tells."""
    try:
        names = path.glob("*.hcl") if path.is_dir() else [path]
        return sum(name.stat().st_size for name in names)
    except OSError:
        return 0
