"""Filters behind one another lose nothing and invent nothing."""

from __future__ import annotations

from a3sgw.middlewares.base import BodyFilter
from a3sgw.proxy.filters import Filters


class Upper(BodyFilter):
    """Changes bytes, not their number."""

    keeps_length = True

    def feed(self, data: bytes) -> bytes:
        return data.upper()


class Pairs(BodyFilter):
    """Lets only whole pairs through and keeps the rest until the end."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, data: bytes) -> bytes:
        data = self.held + data
        whole = len(data) - len(data) % 2
        self.held = data[whole:]
        return data[:whole]

    def flush(self) -> bytes:
        return self.held + b"!"


def test_each_gets_what_the_one_before_lets_through() -> None:
    """Order matters, and what is held back comes out at the end, through the filters behind."""
    filters = Filters([Pairs(), Upper()])
    assert [filters.feed(piece) for piece in (b"a", b"bc", b"")] == [b"", b"AB", b""]
    assert filters.flush() == b"C!"


def test_length_is_kept_only_when_all_keep_it() -> None:
    """One filter that may change the length is enough to lose Content-Length; none at all is false."""
    assert Filters([Upper(), Upper()]).keeps_length
    assert not Filters([Upper(), Pairs()]).keeps_length
    assert not Filters([])
