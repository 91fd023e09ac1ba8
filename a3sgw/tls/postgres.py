"""How a PostgreSQL client asks for TLS in clear before its ClientHello (frontend/backend protocol, §54.2.10)."""

from __future__ import annotations

from a3sgw.peek import Peek

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
"""What a client sends that wants TLS."""
_GSS = bytes.fromhex("00000008 04d21630")
REFUSAL = b"N"
"""The answer that keeps the connection open in clear: to GSSENCRequest always, after it an SSLRequest may come."""
ACCEPTANCE = b"S"
"""The answer to an SSLRequest after which the client sends its ClientHello."""
LENGTH = 8
"""Bytes of either request."""


def is_ssl_request(data: bytes | bytearray) -> bool | Peek:
    """True for an SSLRequest, alone or with more behind it; ``Peek.NO`` as early as one byte says so.

    More behind it must not be read as if it were encrypted (CVE-2021-23214): whoever answers refuses it.
    """
    return _begins(data, SSL_REQUEST)


def is_gss_request(data: bytes | bytearray) -> bool | Peek:
    """True for a GSSENCRequest, which is answered with `REFUSAL`; as `is_ssl_request`."""
    return _begins(data, _GSS)


def _begins(data: bytes | bytearray, request: bytes) -> bool | Peek:
    if data[:LENGTH] == request:
        return True
    return Peek.NEED_MORE if request.startswith(bytes(data[:LENGTH])) else Peek.NO
