"""A field block: the bytes that arrived, searched and cut as they are.

Splitting fifteen lines costs 4 µs and putting them together again 3; finding one, cutting one out or adding one costs a
tenth of that.
"""

from __future__ import annotations

from collections.abc import Iterator

KEYS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_", b"abcdefghijklmnopqrstuvwxyz-")
"""Names compare without case, and ``_`` is ``-`` where lines are removed."""


class Headers:
    """Ordered (name, value) pairs whose names compare without case; every name and value is bytes.

    Built from raw field lines (``b"Host: a\\r\\nAccept: */*\\r\\n"``, already validated by the parser). `changed` tells
    whether `encode()` differs from them.
    """

    __slots__ = ("_block", "_items", "_keys", "changed")

    def __init__(self, block: bytes = b"") -> None:
        self._block = block
        self._keys: bytes | None = None
        """The block as it is compared, behind a line feed: what is at i here is at i - 1 there."""
        self._items: list[tuple[bytes, bytes, bytes]] | None = None
        self.changed = False

    def _searchable(self) -> bytes:
        keys = self._keys
        if keys is None:
            keys = self._keys = b"\n" + self._block.translate(KEYS)
        return keys

    def _find(self, name: bytes, start: int = 0) -> int:
        """Where in the block the next line of `name` (lower case) begins, or -1."""
        keys = self._searchable()
        if b"_" not in name:
            wanted = b"\n%b:" % name
            at = keys.find(wanted, start)
            if at < 0 or self._block.find(b"_", at, at + len(name)) < 0:
                return at
        else:
            wanted = b"\n%b:" % name.translate(KEYS)
            at = keys.find(wanted, start)
        while at >= 0 and self._block[at : at + len(name)].lower() != name:  # the same but for an underscore
            at = keys.find(wanted, at + 1)
        return at

    def _value(self, at: int, length: int) -> bytes:
        block = self._block
        return block[at + length + 1 : block.find(b"\r", at)].strip(b" \t")

    def _parsed(self) -> list[tuple[bytes, bytes, bytes]]:
        if self._items is None:
            self._items = items = []
            for line in self._block.split(b"\r\n"):
                if line:
                    name, _, value = line.partition(b":")
                    items.append((name.lower(), name, value.strip(b" \t")))
        return self._items

    # Reading...

    def get(self, name: bytes, default: bytes | None = None) -> bytes | None:
        """The first value of `name` (lower case), or `default`."""
        at = self._find(name)
        return self._value(at, len(name)) if at >= 0 else default

    def get_all(self, name: bytes) -> list[bytes]:
        """Every value of `name` (lower case), in order, one per field line; values are not split on commas."""
        found = []
        at = self._find(name)
        while at >= 0:
            found.append(self._value(at, len(name)))
            at = self._find(name, at + 1)
        return found

    def __contains__(self, name: bytes) -> bool:
        return self._find(name) >= 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """(name as sent, value), in order."""
        return iter([(name, value) for _, name, value in self._parsed()])

    def __len__(self) -> int:
        return len(self._parsed())

    def count(self, name: bytes) -> int:
        """How many lines `name` (lower case, with hyphens) has, in all spellings."""
        return self._searchable().count(b"\n%b:" % name)

    def begins(self, prefix: bytes) -> bool:
        """Whether a name begins like this (lower case, with hyphens)."""
        return b"\n" + prefix in self._searchable()

    # Changing...

    def add(self, name: bytes, value: bytes) -> None:
        """Append a field line, beside any that is there."""
        self.extend(b"%b: %b\r\n" % (name, value))

    def extend(self, lines: bytes) -> None:
        """Append whole field lines, each ended by CRLF."""
        self._block += lines
        if self._keys is not None:
            self._keys += lines.translate(KEYS)
        self._items = None
        self.changed = True

    def set(self, name: bytes, value: bytes) -> None:
        """Replace every line of `name` by one."""
        self.remove(name)
        self.extend(b"%b: %b\r\n" % (name, value))

    def remove(self, name: bytes) -> None:
        """Remove every line of `name`, and of its underscore spellings (``X_User`` is ``X-User`` to WSGI and CGI)."""
        keys = self._searchable()
        wanted = b"\n%b:" % name.translate(KEYS)
        at = keys.find(wanted)
        while at >= 0:
            block = self._block
            end = block.find(b"\n", at) + 1
            self._block = block[:at] + block[end:]
            keys = self._keys = keys[: at + 1] + keys[end + 1 :]
            self._items = None
            self.changed = True
            at = keys.find(wanted, at)

    # Writing...

    def encode(self) -> bytes:
        """The field lines, each ended by CRLF, without the empty line."""
        return self._block

    def __repr__(self) -> str:
        return f"<Headers {[name.decode('latin-1') for name, _ in self]}>"
