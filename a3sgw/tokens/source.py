"""Where keys come from: a secret, a file that is watched, a server that is asked."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from a3sgw.files import WatchedFile
from a3sgw.options import OptionError
from a3sgw.tokens.keys import KeySet
from a3sgw.tokens.remote import RemoteKeys
from a3sgw.tokens.server import KeyServer
from a3sgw.web import HttpClient

PATIENCE = 1.0
"""Seconds that a start or reload waits for the first keys of a server."""


class Source:
    """Keys that stay as they are. `changed` of the others is called when theirs are new ones."""

    remote: RemoteKeys | None = None
    """Whom to ask for a key that is not there; None where there are no others."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    @property
    def keys(self) -> KeySet:
        """The ones in force."""
        return self._keys

    def adopt(self, other: Source) -> None:
        """Begin with the keys of another source for the same."""

    async def open(self) -> None:
        """Begin to look for new ones."""

    async def close(self) -> None:
        """Look no more."""


class FileSource(Source):
    """OptionError, about the option `key`, when the file cannot be used."""

    def __init__(
        self,
        path: Path,
        read: Callable[[bytes], KeySet],
        key: str,
        changed: Callable[[], None],
        count: Callable[[str], None],
    ) -> None:
        self._file = WatchedFile(path, read, key, changed=lambda _: changed(), failed=lambda: count("keys_failed"))

    @property
    def keys(self) -> KeySet:
        """What the file says."""
        return self._file.value

    async def open(self) -> None:
        """Look at the file now and then."""
        await self._file.open()

    async def close(self) -> None:
        """Leave it alone."""
        await self._file.close()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two fetches, between two for unknown names, and for one to take."""

    every: float
    interval: float
    timeout: float


class ServerSource(Source):
    """`make` gets the client and says how keys are fetched with it."""

    remote: RemoteKeys

    def __init__(
        self,
        make: Callable[[HttpClient], KeyServer],
        tls: ssl.SSLContext | None,
        pace: Pace,
        changed: Callable[[], None],
        count: Callable[[str], None],
    ) -> None:
        self._client = HttpClient(tls=tls)
        self.remote = RemoteKeys(
            make(self._client).fetch,
            every=pace.every,
            interval=pace.interval,
            timeout=pace.timeout,
            changed=changed,
            count=count,
        )

    @property
    def keys(self) -> KeySet:
        """The last that came."""
        return self.remote.keys

    def adopt(self, other: Source) -> None:
        """Those of before are better than none."""
        self.remote.keys = other.keys

    async def open(self) -> None:
        """Fetch them; a server that cannot be reached is no reason not to start."""
        await self._client.open()
        await self.remote.open(PATIENCE)

    async def close(self) -> None:
        """Fetch no more."""
        await self.remote.close()
        await self._client.close()


def authorities(path: Path, key: str) -> ssl.SSLContext:
    """For a server whose certificate is from one of these; OptionError when the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl's own error is one, too
        raise OptionError(f"cannot use {path}: {error.strerror or error}", "name a PEM file", key) from error
