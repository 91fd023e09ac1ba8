"""PostgreSQL's request for TLS."""

from __future__ import annotations

import pytest

from a3sgw.peek import Peek
from a3sgw.tls.postgres import is_gss_request, is_ssl_request

SSL = bytes.fromhex("0000000804d2162f")
GSS = bytes.fromhex("0000000804d21630")


def test_whole_requests() -> None:
    """Each request is known, whatever follows it, and is not taken for the other."""
    for more in (b"", b"\x16\x03\x01", bytes(100)):
        assert is_ssl_request(SSL + more) is True
        assert is_gss_request(bytearray(GSS + more)) is True
        assert is_ssl_request(GSS + more) is Peek.NO
        assert is_gss_request(SSL + more) is Peek.NO


@pytest.mark.parametrize("length", range(8))
def test_pieces(length: int) -> None:
    """A beginning asks for more; one wrong byte is an answer."""
    assert is_ssl_request(SSL[:length]) is Peek.NEED_MORE
    assert is_gss_request(SSL[:length]) is Peek.NEED_MORE
    assert is_ssl_request(SSL[:length] + b"\xff") is Peek.NO


def test_other_first_messages() -> None:
    """A start-up message, a cancel request, TLS and HTTP are none."""
    startup = bytes.fromhex("0000002900030000") + b"user\0me\0\0"
    for data in (startup, bytes.fromhex("0000001004d2162e"), b"\x16\x03\x01", b"GET / HTTP/1.1\r\n"):
        assert is_ssl_request(data) is Peek.NO
        assert is_gss_request(data) is Peek.NO
