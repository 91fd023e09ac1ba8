"""A field block: kept as the bytes that arrived until somebody looks inside."""

from __future__ import annotations

from collections.abc import Iterator


class Headers:
    """Ordered (name, value) pairs whose names compare without case; every name and value is bytes.

    Built from raw field lines (``b"Host: a\\r\\nAccept: */*\\r\\n"``, already validated by the parser) and split only
    at the first access, so that a request nobody inspects never pays for it. `changed` tells whether `encode()`
    differs from the raw block.
    """

    __slots__ = ("_block", "_items", "changed")

    def __init__(self, block: bytes = b"") -> None:
        self._block = block
        self._items: list[tuple[bytes, bytes, bytes]] | None = None
        self.changed = False

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
        for key, _, value in self._parsed():
            if key == name:
                return value
        return default

    def get_all(self, name: bytes) -> list[bytes]:
        """Every value of `name` (lower case), in order, one per field line; values are not split on commas."""
        return [value for key, _, value in self._parsed() if key == name]

    def __contains__(self, name: bytes) -> bool:
        return any(key == name for key, _, _ in self._parsed())

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """(name as sent, value), in order."""
        return iter([(name, value) for _, name, value in self._parsed()])

    def __len__(self) -> int:
        return len(self._parsed())

    # Changing...

    def add(self, name: bytes, value: bytes) -> None:
        """Append a field line, beside any that is there."""
        self._parsed().append((name.lower(), name, value))
        self.changed = True

    def set(self, name: bytes, value: bytes) -> None:
        """Replace every line of `name` by one."""
        self.remove(name)
        self.add(name, value)

    def remove(self, name: bytes) -> None:
        """Remove every line of `name`, and of its underscore spellings (``X_User`` is ``X-User`` to WSGI and CGI)."""
        wanted = name.lower().replace(b"_", b"-")
        items = self._parsed()
        kept = [item for item in items if item[0].replace(b"_", b"-") != wanted]
        if len(kept) != len(items):
            self._items = kept
            self.changed = True

    # Writing...

    def encode(self) -> bytes:
        """The field lines, each ended by CRLF, without the empty line."""
        if not self.changed:
            return self._block
        return b"".join([b"%b: %b\r\n" % (name, value) for _, name, value in self._parsed()])

    def __repr__(self) -> str:
        return f"<Headers {[name.decode('latin-1') for name, _ in self]}>"
