"""Vary: names come together, once."""

from __future__ import annotations

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.vary import add_vary


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", [b"Origin, Accept"]),
        (b"Vary: Cookie\r\n", [b"Cookie, Origin, Accept"]),
        (b"Vary: Cookie\r\nvary: X\r\n", [b"Cookie, X, Origin, Accept"]),
        (b"Vary: origin ,Cookie\r\n", [b"origin ,Cookie, Accept"]),
        (b"Vary: ACCEPT, ORIGIN\r\n", [b"ACCEPT, ORIGIN"]),
        (b"Vary: *\r\n", [b"*"]),
        (b"Vary: Cookie\r\nVary: *\r\n", [b"Cookie", b"*"]),
        (b"Vary:\r\n", [b"Origin, Accept"]),
    ],
)
def test_names_are_added(before: bytes, after: list[bytes]) -> None:
    """What is there stays, in any case; a star stays alone; nothing is said twice."""
    headers = Headers(before)
    add_vary(headers, (b"Origin", b"Accept"))
    assert headers.get_all(b"vary") == after
