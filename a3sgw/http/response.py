"""A response head from an endpoint: bytes in, `Response` and its framing out; ValueError for what is not one clear answer."""

from __future__ import annotations

import re

from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.http.request import cut

_FIELD = re.compile(
    rb"\n(con(?:nection|tent-length)|keep-alive|proxy-(?:connection|authenticate)|t(?:railer|ransfer-encoding)|upgrade)"
    rb":[ \t]*([^\r]*)\r"
)
_KEEP_ALIVE = re.compile(rb"timeout=(\d{1,6})")
CHUNKED = -1
UNTIL_CLOSE = -2


class Incoming:
    """A response head as read: `length` is body bytes, CHUNKED or UNTIL_CLOSE; `keep` whether the connection stays."""

    __slots__ = ("declared", "idle", "keep", "length", "response", "trailer")

    def __init__(self, response: Response) -> None:
        self.response = response
        self.length = UNTIL_CLOSE
        self.declared: bytes | None = None
        """Content-Length as sent: kept for HEAD and 304, where it describes a body that is not there."""
        self.keep = True
        self.idle: int | None = None
        """Seconds the endpoint says it keeps an idle connection, if it says so."""
        self.trailer = b""


def read_response(head: bytes, method: bytes) -> Incoming:
    """One whole head that has passed the strict parser → response and framing (RFC 9112 §6.3); ValueError if ambiguous."""
    line_end = head.find(b"\r\n")
    lowered = head.lower()
    status = int(head[9:12])
    incoming = Incoming(Response(status))
    connection = b""
    coding: bytes | None = None
    cuts: list[tuple[int, int]] = []
    for found in _FIELD.finditer(lowered, line_end):
        name, value = found[1], found[2].rstrip(b" \t")
        if name == b"connection":
            connection = connection + b"," + value if connection else value
        elif name == b"content-length":
            if incoming.declared is not None or not value.isdigit() or len(value) > 18:
                raise ValueError("malformed or repeated Content-Length")
            incoming.declared = value
        elif name == b"transfer-encoding":
            if coding is not None:
                raise ValueError("more than one Transfer-Encoding")
            coding = value
        elif name == b"keep-alive":
            hint = _KEEP_ALIVE.search(value)
            incoming.idle = int(hint[1]) if hint else None
        elif name == b"trailer":
            incoming.trailer = value
        cuts.append((found.start() + 1, found.end() + 1))
    incoming.keep = head[7:8] == b"1"
    if connection:
        _connection(connection, lowered, line_end, cuts, incoming)
    incoming.response.reason = head[13:line_end]
    incoming.response.headers = Headers(cut(head, line_end + 2, cuts))
    _frame(incoming, coding, status, method)
    return incoming


def _connection(connection: bytes, lowered: bytes, line_end: int, cuts: list[tuple[int, int]], incoming: Incoming) -> None:
    """Persistence, and the fields that Connection names, which end here."""
    if connection == b"keep-alive":
        incoming.keep = True
        return
    tokens = [token.strip(b" \t") for token in connection.split(b",")]
    incoming.keep = b"close" not in tokens and (incoming.keep or b"keep-alive" in tokens)
    for name in tokens:
        if name and name not in (b"close", b"keep-alive"):
            for found in re.finditer(rb"\n" + re.escape(name) + rb":[^\n]*", lowered[line_end:]):
                range_ = (line_end + found.start() + 1, line_end + found.end() + 1)
                if range_ not in cuts:
                    cuts.append(range_)
    cuts.sort()


def _frame(incoming: Incoming, coding: bytes | None, status: int, method: bytes) -> None:
    if method == b"HEAD" or status in (204, 304) or status < 200:
        incoming.length = 0
        if status == 204 or status < 200:
            incoming.declared = None
    elif coding is not None:
        if incoming.declared is not None:
            raise ValueError("both Transfer-Encoding and Content-Length")
        if coding != b"chunked":
            raise ValueError("a transfer coding other than chunked")
        incoming.length = CHUNKED
    elif incoming.declared is not None:
        incoming.length = int(incoming.declared)
    else:
        incoming.length = UNTIL_CLOSE
        incoming.keep = False
