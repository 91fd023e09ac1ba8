"""Heads as bytes: what goes to an endpoint, what goes to a client."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"


def status_line(response: Response) -> bytes:
    """``HTTP/1.1 200 OK`` and CRLF, with the endpoint's own reason phrase where there is one."""
    if response.reason is not None:
        if response.status == 200 and response.reason == b"OK":
            return b"HTTP/1.1 200 OK\r\n"
        return b"HTTP/1.1 %d %b\r\n" % (response.status, response.reason)
    return _STATUS_LINES.get(response.status) or b"HTTP/1.1 %d \r\n" % response.status


def request_head(request: Request, host: bytes, own: bytes) -> bytes:
    """The head for an HTTP/1.1 endpoint; `own` are the field lines the gateway adds (forwarding, framing)."""
    return b"".join(
        (request.method, b" ", request.target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", request.headers.encode(), own, b"\r\n")
    )


def interim_head(status: int, headers: Headers) -> bytes:
    """A 1xx head."""
    return b"%b%b\r\n" % (_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, headers.encode())


def date_line() -> bytes:
    """``Date: …`` and CRLF, for answers the gateway makes itself (RFC 9110 §6.6.1)."""
    return b"Date: %b\r\n" % formatdate(usegmt=True).encode()
