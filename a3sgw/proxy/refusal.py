"""Answers the gateway makes itself: short, in the form the client asked for, with the request id, no internals."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}


def refusal(status: int, request: Request, fields: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    """A text or JSON body (by Accept) that names the status and the request id, and nothing else.

    `fields` are header fields that say more, such as ``Retry-After``.
    """
    phrase = _PHRASES.get(status, "Error")
    identity = request.id.decode("latin-1")
    if b"json" in (request.headers.get(b"accept") or b"").lower():
        body = b'{"status":%d,"title":"%b","request_id":"%b"}\n' % (status, phrase.encode(), request.id)
        media_type = b"application/json"
    else:
        tail = f"request id: {identity}\n" if identity else ""
        body = f"{status} {phrase}\n{tail}".encode()
        media_type = b"text/plain; charset=utf-8"
    lines = b"Content-Type: %b\r\nX-Content-Type-Options: nosniff\r\n" % media_type
    if identity:
        lines += b"X-Request-Id: %b\r\n" % request.id
    for field in fields:
        lines += b"%b: %b\r\n" % field
    return Response(status, Headers(lines), body)
