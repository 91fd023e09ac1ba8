"""Answers the gateway makes itself: short, in the form the client asked for, with the request id, no internals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from http import HTTPStatus

from a3sgw.encoding import json
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.qualities import preferred

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}
_TEXT, _HTML, _PROBLEM, _JSON = b"text/plain", b"text/html", b"application/problem+json", b"application/json"


def refusal(status: int, request: Request, fields: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    """Text, HTML, or problem details as JSON (RFC 9457), by Accept, that names the status and the request id only.

    Whoever takes nothing of these gets text. `fields` are header fields that say more, such as ``Retry-After``.
    """
    phrase = _PHRASES.get(status, "Error")
    identity = request.id.decode("latin-1")
    accept = b", ".join(request.headers.get_all(b"accept"))
    form = preferred(accept, (_TEXT, _HTML, _PROBLEM, _JSON)) or _TEXT
    if form is _PROBLEM or form is _JSON:
        body = _problem(status, phrase, identity)
    elif form is _HTML:
        body = _page(status, phrase, identity)
    else:
        body = f"{status} {phrase}\n{f'request id: {identity}' + chr(10) if identity else ''}".encode()
    media_type = _PROBLEM if form is _JSON else form
    lines = b"Content-Type: %b%b\r\n" % (media_type, b"" if media_type is _PROBLEM else b"; charset=utf-8")
    lines += b"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
    if identity:
        lines += b"X-Request-Id: %b\r\n" % request.id
    for field in fields:
        lines += b"%b: %b\r\n" % field
    return Response(status, Headers(lines), body)


def _problem(status: int, phrase: str, identity: str) -> bytes:
    """`type` is "about:blank": the status says what kind of problem it is (RFC 9457 §4.2.1)."""
    members: dict[str, object] = {"type": "about:blank", "title": phrase, "status": status}
    if identity:
        members["request_id"] = identity
    return json.encode(members) + b"\n"


def _page(status: int, phrase: str, identity: str) -> bytes:
    tail = f"<p>Request id: <code>{escape(identity)}</code></p>\n" if identity else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{status} {phrase}</title></head>\n"
        '<body style="font-family: system-ui, sans-serif; margin: 15vh auto; max-width: 32em; padding: 0 1em">\n'
        f"<h1>{status} {phrase}</h1>\n{tail}</body>\n</html>\n"
    ).encode()
