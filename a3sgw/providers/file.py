"""Configuration files: loaded at start, and again whenever what they say has changed; the only importer of watchfiles.

Directories are watched, not files, because an editor's rename and a ConfigMap's symlink swap replace what a file name
stands for (semantics T-56). Network file systems and bind mounts report nothing, so names are also looked at every few
seconds. What counts is content: touching a file changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from watchfiles import awatch

from a3sgw.config.load import Inspect, Loaded, no_inspection
from a3sgw.config.loader_process import LoaderProcess

_POLL = 2000
"""Milliseconds between looks that no event has caused."""
_STEP = 100
"""Milliseconds over which events are gathered; each step takes the interpreter for a moment."""
_STABLE = 0.06
"""Seconds in which files must not change before they are read: a file is often written in several pieces."""
_PATIENCE = 2.0

Signature = tuple[tuple[str, int, int, int], ...]


class FileProvider:
    """Loads `path` (a file or a directory) with what it refers to."""

    def __init__(self, path: Path, inspect: Inspect = no_inspection) -> None:
        """`inspect` finds errors that loading does not, where loading happens elsewhere."""
        self.path = path
        self._loader = LoaderProcess(inspect)
        self._content = b""
        self._watched: tuple[Path, ...] = (path,)

    @property
    def directory(self) -> Path:
        """Where relative file names of the configuration are looked up."""
        return self.path if self.path.is_dir() else self.path.parent

    async def load(self) -> Loaded:
        """Load now, whatever has or has not changed."""
        watched, content = self._watched, _content(self._watched)
        loaded = await self._loader.load(self.path)
        self._watched = loaded.watched or (self.path,)
        if self._watched != watched:
            content = _digest((path, loaded.document.sources.get(str(path))) for path in files(self._watched))
        # What was read is at least as new as `content`: a change in between is seen as one more.
        self._content = content
        return loaded

    async def watch(self) -> AsyncGenerator[Loaded, None]:
        """Every load whose content differs from the one before; ends when cancelled."""
        seen: Signature = ()
        while True:
            watched = self._watched
            if _content(watched) != self._content:  # changed while nobody was looking
                yield await self.load()
            looking = directories(watched)
            async for _ in awatch(
                *looking,
                recursive=False,
                debounce=_STEP,
                step=_STEP,
                rust_timeout=_POLL,
                yield_on_timeout=True,
            ):
                now = signature(self._watched)
                if now == seen:
                    continue
                seen = await _settled(self._watched, now)
                if _content(self._watched) != self._content:
                    yield await self.load()
                if directories(self._watched) != looking:
                    break

    def close(self) -> None:
        """Stop the process that loads, if there is one."""
        self._loader.close()


def directories(watched: Iterable[Path]) -> list[Path]:
    """The existing directories in which a change of any of `watched` shows, also behind symbolic links."""
    found: dict[Path, None] = {}
    for path in watched:
        for one in (path, path.resolve()):
            for directory in (one if one.is_dir() else one.parent, one.parent):
                if directory.is_dir():
                    found.setdefault(directory.absolute())
    return list(found)


def files(watched: Iterable[Path]) -> list[Path]:
    """The configuration files there are now."""
    found: list[Path] = []
    for path in watched:
        found += sorted(_visible(path.glob("*.hcl"))) if path.is_dir() else [path]
    return found


def signature(watched: Iterable[Path]) -> Signature:
    """Which files there are, and when and how they were last written; cheap, and different after any change."""
    found = []
    for path in files(watched):
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _visible(paths: Iterable[Path]) -> list[Path]:
    """Without what editors keep beside a file while they have it open."""
    return [path for path in paths if not path.name.startswith(".")]


def _content(watched: Iterable[Path]) -> bytes:
    return _digest((path, _read(path)) for path in files(watched))


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return None


def _digest(texts: Iterable[tuple[Path, str | None]]) -> bytes:
    digest = hashlib.sha256()
    for path, text in texts:
        if text is not None:
            digest.update(b"%b\0%b\0" % (str(path).encode(), text.encode()))
    return digest.digest()


async def _settled(watched: Iterable[Path], before: Signature) -> Signature:
    """The signature once nothing has changed for a moment, or patience has run out."""
    watched = tuple(watched)
    for _ in range(int(_PATIENCE / _STABLE)):
        await asyncio.sleep(_STABLE)
        now = signature(watched)
        if now == before:
            break
        before = now
    return before
