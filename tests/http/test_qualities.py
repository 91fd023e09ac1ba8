"""Lists with preferences (RFC 9110 §12.4.2)."""

from __future__ import annotations

import pytest

from a3sgw.http.qualities import preferred, qualities


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"", []),
        (b"gzip", [(b"gzip", 1.0)]),
        (b"br;q=0.8, GZIP ; Q = 0.5,, *;q=0", [(b"br", 0.8), (b"gzip", 0.5), (b"*", 0.0)]),
        (b"a;q=1.000,b;q=0.001", [(b"a", 1.0), (b"b", 0.001)]),
        (b"a;q=2,b;q=x,c;q=-1", [(b"a", 1.0), (b"b", 1.0), (b"c", 1.0)]),
        (b"text/html;level=1;q=0.4", [(b"text/html", 0.4)]),
    ],
)
def test_lists(value: bytes, found: list[tuple[bytes, float]]) -> None:
    """In order, in lower case, without parameters; a weight that is none does not count."""
    assert qualities(value) == found


def test_a_list_without_end() -> None:
    """Only so many entries are looked at."""
    assert len(qualities(b"a," * 100_000)) == 64


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        (b"", b"text/plain"),
        (b"*/*", b"text/plain"),
        (b"text/html", b"text/html"),
        (b"text/html,*/*;q=0.8", b"text/html"),
        (b"text/*;q=0.5, application/json", b"application/json"),
        (b"text/plain;q=0, */*", b"text/html"),
        (b"image/png", None),
        (b"*/*;q=0", None),
        (b"application/json, text/plain, */*", b"application/json"),
        (b"application/json, */*", b"application/json"),
        (b"*/*, text/html", b"text/html"),
        (b"text/*, application/*", b"text/plain"),
        (b"application/*, text/*", b"application/json"),
        (b"text/html;q=0.3, text/html;q=0.9, text/plain;q=0.5", b"text/plain"),
    ],
)
def test_preferences(accept: bytes, best: bytes | None) -> None:
    """The highest weight wins, then who is named, in the order named, then our order."""
    assert preferred(accept, (b"text/plain", b"text/html", b"application/json")) == best
