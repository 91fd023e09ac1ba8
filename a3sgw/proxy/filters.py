"""The body filters of one message, one behind the other."""

from __future__ import annotations

from collections.abc import Iterable

from a3sgw.http.response import CHUNKED
from a3sgw.middlewares.base import BodyFilter


class Filters:
    """Feeds each filter what the one before it has let through. Whatever a filter raises comes out of here."""

    __slots__ = ("_filters", "keeps_length")

    def __init__(self, filters: Iterable[BodyFilter]) -> None:
        self._filters = tuple(filters)
        self.keeps_length = all(one.keeps_length for one in self._filters)
        """Whether Content-Length may stay."""

    def __bool__(self) -> bool:
        return bool(self._filters)

    def length_after(self, length: int) -> int:
        """Bytes that come out of the last filter when this many go in; CHUNKED when that is not known."""
        for one in self._filters:
            if one.length is not None:
                length = one.length
            elif not one.keeps_length:
                length = CHUNKED
        return length

    def feed(self, data: bytes) -> bytes:
        """A piece of the body in, what comes out of the last filter out, possibly nothing."""
        for one in self._filters:
            if data:
                data = one.feed(data)
        return data

    def broken(self, status: int) -> bytes:
        """Last words of a body that breaks off, each passed through the filters after it."""
        tail = b""
        for one in self._filters:
            tail = (one.feed(tail) if tail else b"") + one.broken(status)
        return tail

    def flush(self) -> bytes:
        """What filters still hold at the end, each one's rest passed through those after it."""
        tail = b""
        for one in self._filters:
            tail = (one.feed(tail) if tail else b"") + one.flush()
        return tail
