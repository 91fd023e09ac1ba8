"""Where a certificate that was made up for development is kept, so that browsers have to be told only once."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

_FRESH = 300 * 86400
"""Seconds; an older one is made again, before it expires."""
_LARGEST = 1 << 24
"""Bytes; one with thousands of names has some hundred thousand."""


def directory() -> Path:
    """The user's cache (XDG Base Directory), or one for this user among the temporary files."""
    home = os.environ.get("XDG_CACHE_HOME") or (os.path.expanduser("~/.cache") if os.environ.get("HOME") else "")
    return Path(home) / "a3sgw" if home else Path(tempfile.gettempdir()) / f"a3sgw-{os.getuid()}"


def kept(names: Sequence[str], make: Callable[[], bytes], usable: Callable[[bytes], bool] = bool) -> bytes:
    """What was made for these names before, or is now; whoever comes first makes it for all processes.

    Only a file that belongs to this user, that nobody else can read or write, and that is `usable` is believed; any
    other is made again. Where that cannot be done it lasts as long as this process.
    """
    path = directory() / f"self-signed-{sha256(chr(10).join(names).encode()).hexdigest()[:16]}.pem"
    found = _read(path, usable)
    if found is not None:
        return found
    made = make()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
    except OSError:
        return made
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(descriptor)  # or a crash might leave an empty one under its name
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    except OSError:
        return made
    finally:
        os.unlink(name)
    return _read(path, usable) or made


def _read(path: Path, usable: Callable[[bytes], bool]) -> bytes | None:
    try:
        # Without O_NONBLOCK, to open a pipe would wait for somebody who writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid():
            return None
        if stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077 and time.time() - found.st_mtime < _FRESH:
            read = os.read(descriptor, _LARGEST)
            if usable(read):
                return read
        with contextlib.suppress(OSError):  # a directory stays where it is
            if os.path.samestat(found, path.lstat()):  # and so does what another process has made meanwhile
                path.unlink()
    finally:
        os.close(descriptor)
    return None
