"""How many connections an entrypoint may have in all processes together: each open one holds a place."""

from __future__ import annotations

from typing import Protocol

_PREFIX = b"max_connections\0"


class Counts(Protocol):
    """What is needed of the table that all processes share."""

    def acquire(self, key: bytes, limit: int) -> bool:
        """Count one unless all processes together hold `limit`; 0 is no limit, but counts."""

    def release(self, key: bytes) -> None:
        """One that was counted is over."""


class Places:
    """The places this process holds in `counts` for one gate: as many as it has connections, or none while nobody
    asks for a limit."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._key: bytes | None = None

    def count_as(self, name: str | None, connections: int) -> None:
        """From now on count for the entrypoint `name`, None for no one; the open `connections` are moved there."""
        key = None if name is None else _PREFIX + name.encode()
        old, self._key = self._key, key
        if key != old:
            for _ in range(connections):
                if key is not None:
                    self._counts.acquire(key, 0)
                if old is not None:
                    self._counts.release(old)

    def take(self, limit: int) -> bool:
        """One more, unless there are `limit` in all processes."""
        return self._key is None or self._counts.acquire(self._key, limit)

    def give(self) -> None:
        """One that was taken is free again."""
        if self._key is not None:
            self._counts.release(self._key)
