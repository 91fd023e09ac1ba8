"""Things by server name: the name itself first, then a wildcard for one label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Names(Generic[T]):
    """Of two things with the same name the first wins."""

    __slots__ = ("_exact", "_wild")

    def __init__(self, named: Iterable[tuple[str, T]] = ()) -> None:
        """Names are lower case, without a final dot; ``*.example.com`` stands for one label (RFC 6125 §6.4.3)."""
        self._exact: dict[str, T] = {}
        self._wild: dict[str, T] = {}
        for name, thing in named:
            if name.startswith("*."):
                self._wild.setdefault(name[2:], thing)
            else:
                self._exact.setdefault(name, thing)

    def __bool__(self) -> bool:
        return bool(self._exact or self._wild)

    def find(self, name: str) -> T | None:
        """What belongs to `name`; None when nothing does."""
        found = self._exact.get(name)
        if found is None and self._wild and name:
            label, _, rest = name.partition(".")  # a wildcard itself is found like any name that it stands for
            return self._wild.get(rest) if label else None
        return found

    def __repr__(self) -> str:
        return f"<Names [{len(self._exact) + len(self._wild)}]>"
