"""Files that a middleware reads, and reads again when they change: lists of keys, users, networks."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Generic, TypeVar

from a3sgw.collection import collection_paused
from a3sgw.options import OptionError
from a3sgw.tasks import spawn

_T = TypeVar("_T")
_log = logging.getLogger("a3sgw.files")
AT_ONCE = 128 << 10
"""Bytes; a larger file is not read while a process serves, but in `open`, off the loop."""
EVERY = 1.0
"""Seconds between two looks. Looking finds what notifications miss: changed links, and files on network drives."""
LARGEST = 8 << 20
"""Bytes, some half a million lines; what is larger is a mistake, or belongs into a service that is asked."""


class WatchedFile(Generic[_T]):
    """Holds what `parse` makes of a file's bytes; when it cannot be used any more, the last good one stays in force.

    Reading it the first time raises OptionError, saying which `key` it is about, when it is not there or `parse`
    (which raises OptionError or ValueError) refuses it. `changed` is told of each new value, `failed` of each failure.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], _T],
        key: str,
        *,
        changed: Callable[[_T], None] | None = None,
        failed: Callable[[], None] | None = None,
        later: bool = False,
    ) -> None:
        """With `later`, a large file is read in `open`; until then there is no `value`, and `changed` brings it."""
        self.path = path
        self._parse = parse
        self._key = key
        self._changed = changed
        self._failed = failed
        self._task: Task[None] | None = None
        self._content: bytes | None = None
        self._broken = ""
        with self._explained():
            self._sign = sign_of(path)
            self.is_read = not later or self._sign[1] <= AT_ONCE
            if self.is_read:
                self._content = _read(path)
                self.value = parse(self._content)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"cannot read {self.path}: {error.strerror or error}"
            raise OptionError(problem, "name a readable file", self._key) from error
        except ValueError as error:
            help = error.help if isinstance(error, OptionError) else ""
            raise OptionError(f"{self.path}: {error}", help, self._key) from error

    async def open(self) -> None:
        """Read it, if that was left for later, and begin to look for changes; needs a running loop."""
        if not self.is_read:
            with self._explained():
                self._sign = await asyncio.to_thread(sign_of, self.path)
                content = await asyncio.to_thread(_read, self.path)
                self.value = await self._parsed(content)
            self._content = content
            self.is_read = True
            if self._changed is not None:
                self._changed(self.value)
        self._task = spawn(self._watch(), f"watch {self.path}")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        """Read it if it is another than before, off the loop, and take it over if it says something else."""
        try:
            sign = await asyncio.to_thread(sign_of, self.path)
            if sign == self._sign:
                return
            content = await asyncio.to_thread(_read, self.path)
            value = await self._parsed(content) if content != self._content else self.value
        except OSError as error:
            self._refuse(str(error))
            return
        except ValueError as error:
            self._sign = sign  # no use reading it again before it changes
            self._refuse(str(error))
            return
        self._sign = sign
        self._broken = ""
        if content == self._content:
            return
        self._content = content
        self.value = value
        _log.info("file read again", extra={"path": str(self.path)})
        if self._changed is not None:
            self._changed(value)

    async def _parsed(self, content: bytes) -> _T:
        """Off the loop; and hundreds of thousands of new objects are no reason to look for garbage among all the old
        ones, which would stop every thread."""
        with collection_paused() if len(content) > AT_ONCE else nullcontext():
            return await asyncio.to_thread(self._parse, content)

    def _refuse(self, why: str) -> None:
        """Said once for each reason, or the log would be full of it."""
        if why == self._broken:
            return
        self._broken = why
        _log.error("a file cannot be used; what it said before stays", extra={"path": str(self.path), "why": why})
        if self._failed is not None:
            self._failed()


def sign_of(path: Path) -> tuple[int, int, int]:
    """Differs when a file was written or replaced, also behind a link."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"more than {LARGEST} bytes")
    return content
