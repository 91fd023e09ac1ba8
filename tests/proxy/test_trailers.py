"""Which trailer fields go on."""

from __future__ import annotations

import pytest

from a3sgw.proxy.trailers import safe_trailers

FORBIDDEN = (
    *(b"Content-Length", b"transfer-encoding", b"Host", b"AUTHORIZATION", b"Set-Cookie"),
    *(b"X-Forwarded-For", b"X-Real-Ip", b"Content_Length", b"x_user"),
)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_fields_that_frame_route_or_authenticate_stay_behind(name: bytes) -> None:
    """In any spelling; what stands beside them goes on."""
    assert safe_trailers(b"A: 1\r\n" + name + b": 2\r\nB: 3\r\n") == b"A: 1\r\nB: 3\r\n"


def test_others_go_on_as_they_came() -> None:
    """Checksums and gRPC statuses are what trailers are for."""
    lines = b"Grpc-Status: 0\r\nDigest: sha-256=abc\r\n"
    assert safe_trailers(lines) == lines
