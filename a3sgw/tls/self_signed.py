"""Where a certificate that was made up for development is kept, so that browsers have to be told only once."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

_FRESH = 300 * 86400
"""Seconds; an older one is made again, before it expires."""


def directory() -> Path:
    """The user's cache (XDG Base Directory), or one for this user among the temporary files."""
    home = os.environ.get("XDG_CACHE_HOME") or (os.path.expanduser("~/.cache") if os.environ.get("HOME") else "")
    return Path(home) / "a3sgw" if home else Path(tempfile.gettempdir()) / f"a3sgw-{os.getuid()}"


def kept(names: Sequence[str], make: Callable[[], bytes]) -> bytes:
    """What was made for these names before, or is now; whoever comes first makes it for all processes.

    Only a file that belongs to this user, and that nobody else can read or write, is believed.
    """
    path = directory() / f"self-signed-{sha256(chr(10).join(names).encode()).hexdigest()[:16]}.pem"
    found = _read(path)
    if found is not None:
        return found
    made = make()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
    except OSError:
        return made  # there is no place for it: it lasts as long as this process
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    except OSError:
        return made
    finally:
        os.unlink(name)
    return _read(path) or made


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if found.st_uid == os.getuid() and not found.st_mode & 0o077 and time.time() - found.st_mtime < _FRESH:
            return file.read()
    if found.st_uid == os.getuid():
        with contextlib.suppress(OSError):
            path.unlink()
    return None
