"""The messages of the gRPC health protocol, byte by byte."""

from __future__ import annotations

import pytest

from a3sgw.probes.message import request, status


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("", b"\0\0\0\0\0"),
        ("a.B", b"\0\0\0\0\x05\x0a\x03a.B"),
        ("x" * 300, b"\0\0\0\x01\x2f\x0a\xac\x02" + b"x" * 300),
    ],
)
def test_the_question(service: str, expected: bytes) -> None:
    """Prefix and one text, which is left out when it is empty."""
    assert request(service) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", 0),
        (b"\x08\x01", 1),
        (b"\x08\x02", 2),
        (b"\x08\x02\x08\x01", 1),
        (b"\x12\x02ab\x08\x01", 1),
        (b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x10\x07\x08\x01", 1),
    ],
)
def test_the_answer(message: bytes, expected: int) -> None:
    """The last status counts, fields that we do not know are skipped, and none is UNKNOWN."""
    assert status(bytes([0, 0, 0, 0, len(message)]) + message) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\0",
        b"\0\0\0\0\x02\x08",
        b"\x01\0\0\0\x02\x08\x01",
        b"\0\0\0\0\x02\x08\x01\0",
        b"\0\0\0\0\x01\x08",
        b"\0\0\0\0\x02\x08\x80",
        b"\0\0\0\0\x02\x12\x09",
        b"\0\0\0\0\x02\x0b\x01",
        b"\0\0\0\0\x0c\x08" + b"\xff" * 11,
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    """Cut off, compressed, more than one, or no protobuf."""
    with pytest.raises(ValueError):
        status(data)
