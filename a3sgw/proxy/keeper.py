"""Keeps what has come of a request's body, so that it can be sent again, as long as it is short enough."""

from __future__ import annotations

from a3sgw.middlewares.base import BodyFilter


class Keeper(BodyFilter):
    """The last filter of a body; lets everything through unchanged."""

    keeps_length = True

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        """Bytes seen so far."""
        self.pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Keep it, unless that is too much already: then nothing is kept any more."""
        self.size += len(data)
        if self.size <= self._limit:
            self.pieces.append(data)
        else:
            self.pieces.clear()
        return data

    def lower(self, limit: int) -> None:
        """Keep no more than this after all."""
        self._limit = limit
        if self.size > limit:
            self.pieces.clear()

    def holds(self, limit: int) -> bool:
        """Whether all that has come is there, and is at most so many bytes."""
        return self.size <= min(limit, self._limit)
