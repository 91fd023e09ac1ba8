"""Numbers and vectors of TLS messages."""

from __future__ import annotations

import pytest

from a3sgw.tls.wire import Malformed, Wire, is_grease


def test_reading() -> None:
    """Numbers and vectors come one after the other, up to the end."""
    wire = Wire(b"\x01\x02\x03\x02ab\x00\x00")
    assert wire.number(3) == 0x010203
    assert wire.vector(1, at_least=1) == b"ab"
    assert not wire.done()
    assert wire.vector(2) == b""
    assert wire.done()
    wire.finish()


def test_what_is_malformed() -> None:
    """Too few bytes, too many, and vectors out of bounds are all the same error."""
    with pytest.raises(Malformed):
        Wire(b"a").number(2)
    with pytest.raises(Malformed):
        Wire(b"\x02a").vector(1)
    with pytest.raises(Malformed):
        Wire(b"\x02ab").vector(1, at_least=3)
    with pytest.raises(Malformed):
        Wire(b"\x02ab").vector(1, at_most=1)
    with pytest.raises(Malformed):
        Wire(b"a").finish()


def test_grease() -> None:
    """Exactly the sixteen values of RFC 8701 are GREASE."""
    found = [value for value in range(65536) if is_grease(value)]
    assert found == [0x0A0A + 0x1010 * step for step in range(16)]
