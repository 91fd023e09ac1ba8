"""Trailer fields: only those that neither frame, route nor authenticate (RFC 9110 §6.5.1) go on."""

from __future__ import annotations

from a3sgw.http.headers import Headers

_FORBIDDEN = frozenset(
    {b"authorization", b"connection", b"content-encoding", b"content-length", b"content-type", b"cookie", b"expect"}
    | {b"host", b"keep-alive", b"proxy-authorization", b"set-cookie", b"te", b"trailer", b"transfer-encoding"}
    | {b"upgrade"}
)
_MANAGED = (b"x-forwarded", b"x-real-ip")


def safe_trailers(lines: bytes) -> bytes:
    """Trailer lines without those a recipient could take for something it trusts, in any spelling."""
    kept = Headers()
    for name, value in Headers(lines):
        lower = name.lower()
        if lower not in _FORBIDDEN and b"_" not in lower and not lower.startswith(_MANAGED):
            kept.add(name, value)
    return kept.encode()
