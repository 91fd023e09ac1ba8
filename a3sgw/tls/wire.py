"""Numbers and length-prefixed vectors as TLS messages are made of (RFC 8446 §3)."""

from __future__ import annotations


class Malformed(ValueError):
    """The bytes end too early, too late, or a vector has a length it must not have."""


class Wire:
    """A position in one message, which must not go past its end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes; raises Malformed where there are fewer."""
        start = self._at
        self._at = start + count
        if self._at > len(self._data):
            raise Malformed
        return self._data[start : self._at]

    def number(self, width: int) -> int:
        """The next unsigned number of `width` bytes."""
        return int.from_bytes(self.take(width))

    def vector(self, width: int, at_least: int = 0, at_most: int = 0xFFFF) -> bytes:
        """The next vector, whose length stands before it in `width` bytes and is within the bounds given."""
        length = self.number(width)
        if not at_least <= length <= at_most:
            raise Malformed
        return self.take(length)

    def done(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data)

    def finish(self) -> None:
        """Raises Malformed when something is left."""
        if not self.done():
            raise Malformed


def is_grease(value: int) -> bool:
    """Whether a number of two bytes is one of those sent to be ignored: ``0x0a0a``, ``0x1a1a`` … (RFC 8701)."""
    return value >> 8 == value & 0xFF and value & 0x0F == 0x0A
