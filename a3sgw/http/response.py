"""A response head from an endpoint: bytes in, `Response` and its framing out; ValueError for what is ambiguous."""

from __future__ import annotations

import re

from a3sgw.http.message import Response
from a3sgw.http.request import Cuts, cut, cut_listed

_FIELD = re.compile(
    rb"\n(con(?:nection|tent-length)|keep-alive|proxy-(?:connection|authenticate)|t(?:railer|ransfer-encoding)|upgrade)"
    rb":[ \t]*([^\r]*)\r"
)
_USUAL_CONNECTION = b"\r\nConnection: keep-alive\r\n"
_UNUSUAL = re.compile(rb"\n(?:[KkTtUu]|[Cc][Oo][Nn][Nn]|[Pp][Rr][Oo][Xx][Yy])")
_LENGTH = re.compile(rb"(?i)\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r")
_KEEP_ALIVE = re.compile(rb"timeout=(\d{1,6})")
CHUNKED = -1
UNTIL_CLOSE = -2


class Incoming(Response):
    """A response head as read: `length` is body bytes, CHUNKED or UNTIL_CLOSE; `keep` whether the connection stays."""

    length = UNTIL_CLOSE
    keep = True
    idle: int | None = None
    """Seconds the endpoint says it keeps an idle connection, if it says so."""
    trailer = b""
    upgrade = b""
    """Of a 101: the protocol it changes to; empty when that is not said as it must be (RFC 9110 §7.8)."""

    def __init__(self, status: int = 0) -> None:
        self.status = self.received_status = status


def read_response(head: bytes, method: bytes) -> Incoming:
    """One whole head that passed the strict parser → response and framing (RFC 9112 §6.3); ValueError if ambiguous."""
    status = int(head[9:12])
    incoming = Incoming(status)
    at = head.find(_USUAL_CONNECTION)
    usual = head if at < 0 else head[:at] + head[at + 24 :]
    found = _LENGTH.search(usual)
    if found is not None and head[7] == 49 and status >= 200 and status != 204 and _UNUSUAL.search(usual) is None:
        # What nearly every response looks like: a length, and nothing to cut out.
        incoming.head = usual[:-2]
        incoming.length = 0 if method == b"HEAD" or status == 304 else int(found[1])
        return incoming
    _read_closely(incoming, head, method)
    return incoming


def _read_closely(incoming: Incoming, head: bytes, method: bytes) -> None:
    status = incoming.status
    line_end = head.find(b"\r\n")
    connection = coding = length = upgrade = b""
    cuts: Cuts = []
    lowered = head.lower()
    for found in _FIELD.finditer(lowered, line_end):
        name, value = found.groups()
        if name == b"content-length":
            value = value.rstrip(b" \t")
            if length or not value.isdigit() or len(value) > 18:
                raise ValueError("malformed or repeated Content-Length")
            length = value
            if status != 204 and status >= 200:
                continue
        elif name == b"connection":
            connection = connection + b"," + value if connection else value.rstrip(b" \t")
        elif name == b"transfer-encoding":
            if coding:
                raise ValueError("more than one Transfer-Encoding")
            coding = value.rstrip(b" \t") or b"?"
        elif name == b"keep-alive":
            hint = _KEEP_ALIVE.search(value)
            incoming.idle = int(hint[1]) if hint else None
        elif name == b"trailer":
            incoming.trailer = head[found.start(2) : found.end(2)]
        elif name == b"upgrade":
            upgrade = upgrade + b"," + value if upgrade else value.rstrip(b" \t")
        cuts.append((found.start() + 1, found.end() + 1))
    old = head[7:8] != b"1"
    if old:
        incoming.keep = False
        head = b"HTTP/1.1" + head[8:]
    if connection and connection != b"keep-alive":
        tokens = [token.strip(b" \t") for token in connection.split(b",")]
        incoming.keep = b"close" not in tokens and (incoming.keep or b"keep-alive" in tokens)
        cut_listed(connection, lowered, line_end, cuts)
        if status == 101 and b"upgrade" in tokens and not old:
            incoming.upgrade = upgrade
    elif connection:
        incoming.keep = True
    incoming.head = cut(head, cuts) if cuts else head[:-2]
    if method == b"HEAD" or status in (204, 304) or status < 200:
        incoming.length = 0
    elif coding:
        if length or coding != b"chunked" or old:
            raise ValueError("a transfer coding other than chunked, or two framings")
        incoming.length = CHUNKED
    elif length:
        incoming.length = int(length)
    else:
        incoming.keep = False
