"""The last piece of an answer, and the end of its body, leave in one writing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate


class Written(asyncio.Transport):
    """Keeps each writing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.pieces.append(b"".join(pieces))


@pytest.mark.parametrize(
    ("chunked", "trailers", "written"),
    [
        (True, b"", [b"1\r\na\r\n", b"2\r\nbc\r\n0\r\n\r\n"]),
        (True, b"Sum: 1\r\n", [b"1\r\na\r\n", b"2\r\nbc\r\n0\r\nSum: 1\r\n\r\n"]),
        (False, b"", [b"a", b"bc"]),
    ],
)
def test_they_leave_together(chunked: bool, trailers: bytes, written: list[bytes]) -> None:
    """In chunked coding there is one writing for both; without it the last piece is the end."""
    transport = Written()
    downstream = Downstream(cast(Gate, None))
    downstream._transport = transport
    downstream._chunked = chunked
    downstream.write(b"a")
    downstream.write_last(b"bc")
    downstream.end(trailers)
    assert transport.pieces == written
