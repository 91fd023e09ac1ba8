"""A field block: the bytes that arrived until somebody changes something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.headers import Headers

BLOCK = b"Host: a\r\nX-One:1\r\nx-one: \t2 \r\nEmpty:\r\nX_One: 3\r\n"


def test_reading() -> None:
    """Names compare without case, values are trimmed, order is kept."""
    headers = Headers(BLOCK)
    assert (headers.get(b"host"), headers.get(b"x-one"), headers.get(b"empty")) == (b"a", b"1", b"")
    assert headers.get_all(b"x-one") == [b"1", b"2"]
    assert headers.get(b"none") is None
    assert headers.get(b"none", b"x") == b"x"
    assert b"x-one" in headers
    assert b"none" not in headers
    assert len(headers) == 5
    assert next(iter(headers)) == (b"Host", b"a")
    assert repr(headers) == "<Headers ['Host', 'X-One', 'x-one', 'Empty', 'X_One']>"


def test_reading_changes_nothing() -> None:
    """The block that comes out is the block that went in."""
    headers = Headers(BLOCK)
    headers.get_all(b"x-one")
    headers.remove(b"none")
    assert headers.encode() is BLOCK
    assert not headers.changed


def test_changing() -> None:
    """add appends, set replaces all, remove takes underscore spellings along."""
    headers = Headers(BLOCK)
    headers.add(b"X-Two", b"2")
    headers.set(b"HOST", b"b")
    headers.remove(b"X-One")
    assert headers.encode() == b"Empty: \r\nX-Two: 2\r\nHOST: b\r\n"
    assert headers.changed


@given(st.lists(st.tuples(st.sampled_from([b"A", b"a", b"B-c", b"B_C"]), st.sampled_from([b"", b"1", b"2 3"]))))
def test_encoding_and_reading_are_inverse(fields: list[tuple[bytes, bytes]]) -> None:
    """What was added is read back the same."""
    headers = Headers()
    for name, value in fields:
        headers.add(name, value)
    assert list(Headers(headers.encode())) == fields
