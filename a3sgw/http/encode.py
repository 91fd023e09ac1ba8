"""Heads as bytes: what goes to an endpoint, what goes to a client."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"


def request_head(request: Request, own: bytes) -> bytes:
    """The head for an HTTP/1.1 endpoint; `own` are the field lines the gateway adds (forwarding, framing).

    Nothing changed: the client's own head goes on as one slice.
    """
    headers = request._headers  # not `touched`: a property costs a call per request
    if request.target is request.raw_target and request.minor and (headers is None or not headers.changed):
        return b"".join((request.head, own, b"\r\n"))
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (request.method, request.target, request.headers.encode(), own)


def response_head(response: Response, own: bytes) -> bytes:
    """The head for an HTTP/1.1 client; `own` are the field lines the gateway adds (framing, persistence)."""
    if response.status == response.received_status:
        headers = response._headers
        if headers is None or not headers.changed:
            return b"".join((response.head, own, b"\r\n"))
        line = response.head[: response.head.find(b"\r\n") + 2]  # with the endpoint's own reason phrase
    else:
        line = _STATUS_LINES.get(response.status) or b"HTTP/1.1 %d \r\n" % response.status
    return b"%b%b%b\r\n" % (line, response.headers.encode(), own)


def interim_head(status: int, headers: Headers) -> bytes:
    """A 1xx head."""
    return b"%b%b\r\n" % (_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, headers.encode())


def date_line() -> bytes:
    """``Date: …`` and CRLF, for answers the gateway makes itself (RFC 9110 §6.6.1)."""
    return b"Date: %b\r\n" % formatdate(usegmt=True).encode()
