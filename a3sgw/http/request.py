"""A request head: bytes in, `Request` out, with everything refused that two parsers could read in two ways.

One compiled scan finds the few fields that matter to a proxy; the rest of the head stays the bytes that arrived. What
is connection-specific or spoofable is cut out here, before any middleware looks (RFC 9110 §7.6.1).
"""

from __future__ import annotations

import re

from a3sgw.errors import ClientError
from a3sgw.http.host import canonical_host
from a3sgw.http.message import Request
from a3sgw.http.parser import HttpRequestParser, feed
from a3sgw.http.target import split_absolute, split_target

_FIELD = re.compile(
    rb"\n(c(?:onnection|ontent-length)|expect|forwarded|h(?:ost|ttp2-settings)|keep-alive"
    rb"|proxy-(?:connection|authenticate|authorization)|t(?:e|railer|ransfer-encoding)|upgrade"
    rb"|x-(?:forwarded-[a-z-]+|real-ip|scheme|request-id)):[ \t]*([^\r]*)\r"
)
_UNDERSCORE = re.compile(rb"_[A-Za-z0-9_-]*+:")
"""Cheap, and true of every head that has an underscore in a field name; then `_UNDERSCORE_LINE` looks closely."""
_UNDERSCORE_LINE = re.compile(rb"\n([^:\n]*_[^:\n]*):[^\n]*")
_FRAMING_LOOKALIKE = re.compile(rb"(?i)\n(?:transfer_encoding|content_length|_host|host_)[ \t]*:")
_MANAGED = re.compile(rb"x-(?:forwarded-[a-z-]+|real-ip|scheme|request-id)|forwarded")
_NEVER_LISTED = frozenset({b"", b"close", b"keep-alive", b"te", b"host", b"content-length", b"connection", b"upgrade"})
_PROTOCOL = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?")
_OURS = re.compile(rb"(?i:h2c?|h3|http|tls)(?:/.*)?")
"""Protocols between a client and the gateway: nothing that an endpoint could switch to behind its back."""
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
Cuts = list[tuple[int, int]]
"""Ranges of a head to leave out."""


class HeadRules:
    """What an entrypoint makes of heads; read once at load."""

    __slots__ = ("max_headers", "merge_slashes", "underscores")

    def __init__(self, max_headers: int = 200, merge_slashes: bool = True, underscores: str = "delete") -> None:
        self.max_headers = max_headers
        self.merge_slashes = merge_slashes
        self.underscores = underscores


def read_request(head: bytes, rules: HeadRules) -> Request:
    """One whole head, empty line included → the request; ClientError with the status to answer.

    `head` has been through the strict parser already. The caller fills in what belongs to the connection (addresses,
    scheme, id).
    """
    line_end = head.find(b"\r\n")
    try:
        method, target, version = head[:line_end].split(b" ")
    except ValueError:
        raise ClientError(400, "malformed request line") from None
    request = Request()
    if version != b"HTTP/1.1":
        if version != b"HTTP/1.0":
            raise ClientError(505, "unsupported HTTP version")
        request.minor = 0
    if head.count(b"\n") > rules.max_headers + 2:
        raise ClientError(431, "too many header fields")
    request.method = method
    request.raw_target = target
    host, cuts = _scan(request, head, line_end, rules)
    request.raw_head = head
    request.head = cut(head, cuts) if cuts else head[:-2]
    if target[:1] != b"/" or method == b"CONNECT":
        host, target = _other_form(request, host, target)
    elif host is None:
        if request.minor == 1:
            raise ClientError(400, "no Host")
        host = b""
    request.persistent = _persists(request)
    request.authority = host
    if host:
        request.host = canonical_host(host)
    if target == b"*":
        request.target = request.path = target
    else:
        request.path, request.query, request.target = split_target(target, rules.merge_slashes)
    return request


def _scan(request: Request, head: bytes, line_end: int, rules: HeadRules) -> tuple[bytes | None, Cuts]:
    """Find and check the fields that matter: the Host, and the ranges to cut out."""
    host: bytes | None = None
    coding: bytes | None = None
    length: bytes | None = None
    cuts: Cuts = []
    lowered = head.lower()
    for found in _FIELD.finditer(lowered, line_end):
        name = found[1]
        start, end = found.span(2)
        value = head[start:end].rstrip(b" \t")
        if name == b"host":
            if host is not None:
                raise ClientError(400, "more than one Host")
            host = value
            continue
        if name == b"content-length":
            if length is not None:
                raise ClientError(400, "more than one Content-Length")
            length = value
            continue
        if name == b"transfer-encoding":
            if coding is not None:
                raise ClientError(400, "more than one Transfer-Encoding")
            coding = value.lower()
        elif name == b"connection":
            request.connection = request.connection + b"," + value.lower() if request.connection else value.lower()
        elif name == b"expect":
            request.expect = value.lower()
        elif name == b"te":
            request.te += value.lower()
        elif name == b"trailer":
            request.trailer = value
        elif name == b"upgrade":
            request.upgrade = request.upgrade + b", " + value if request.upgrade else value
        elif name[0] in b"xf":
            request.managed = [*(request.managed or ()), (name, value)]
        cuts.append((found.start() + 1, end + 2))
    if _UNDERSCORE.search(head, line_end):
        _underscores(head, line_end, cuts, rules)
    if request.connection and request.connection != b"keep-alive":
        cut_listed(request.connection, lowered, line_end, cuts)
    if length is not None or coding is not None:
        _frame(request, length, coding)
    if request.upgrade:
        _upgrade(request)
    return host, cuts


def _upgrade(request: Request) -> None:
    """Keep of Upgrade what may go on to an endpoint (RFC 9110 §7.8); nothing, and the request is as any other, where
    Connection does not ask for it by a token, a body would have to come first, or there is nothing that it may mean."""
    sent, request.upgrade = request.upgrade, b""
    connection = [token.strip(b" \t") for token in request.connection.split(b",")]
    if b"upgrade" not in connection or not request.minor or request.content_length != 0:
        return
    tokens = [token.strip(b" \t") for token in sent.split(b",")]
    named = list(filter(None, tokens))  # empty ones mean nothing (RFC 9110 §5.6.1.2)
    if not all(map(_PROTOCOL.fullmatch, named)):
        return
    wanted = [token for token in named if _OURS.fullmatch(token) is None]
    if wanted:
        request.upgrade = sent if len(wanted) == len(tokens) else b", ".join(wanted)
        request.te = b""  # there will be no trailers
        request.managed = request.managed or []  # its own lines take more thought, and it is never the same again


def cut(head: bytes, cuts: Cuts) -> bytes:
    """`head` without the ranges in `cuts` and without its empty line."""
    if len(cuts) == 1:
        first, last = cuts[0]
        return head[:first] + head[last:-2]
    pieces = []
    start = 0
    for first, last in sorted(cuts):
        pieces.append(head[start:first])
        start = last
    pieces.append(head[start:-2])
    return b"".join(pieces)


def _underscores(head: bytes, line_end: int, cuts: Cuts, rules: HeadRules) -> None:
    """``X_User`` reads as ``X-User`` to WSGI and CGI endpoints: left out, refused or kept as the entrypoint says.

    One that would frame the message if read so is refused in any case, one that speaks for the gateway left out.
    """
    if _FRAMING_LOOKALIKE.search(head, line_end):
        raise ClientError(400, "a framing field with an underscore")
    if rules.underscores == "reject":
        raise ClientError(400, "a header name with an underscore")
    for found in _UNDERSCORE_LINE.finditer(head, line_end):
        name = found[1].lower().replace(b"_", b"-")
        if rules.underscores == "delete" or _MANAGED.fullmatch(name):
            cuts.append((found.start() + 1, found.end() + 1))


def cut_listed(connection: bytes, lowered: bytes, line_end: int, cuts: Cuts) -> None:
    """Cut out what Connection names (RFC 9110 §7.6.1), but never a field that frames, routes or is managed by us."""
    for token in connection.split(b","):
        name = token.strip(b" \t")
        if name in _NEVER_LISTED or _MANAGED.fullmatch(name):
            continue
        for found in re.finditer(rb"\n" + re.escape(name) + rb":[^\n]*", lowered[line_end:]):
            range_ = (line_end + found.start() + 1, line_end + found.end() + 1)
            if range_ not in cuts:
                cuts.append(range_)


def _other_form(request: Request, host: bytes | None, target: bytes) -> tuple[bytes, bytes]:
    """Targets that are no path: absolute-form, whose authority wins over Host, and ``*`` (RFC 9112 §3.2)."""
    if request.method == b"CONNECT":
        raise ClientError(501, "CONNECT is not offered")
    if host is None and request.minor == 1:
        raise ClientError(400, "no Host")
    if host:
        canonical_host(host)  # it may be replaced, but a malformed one is still refused
    if target == b"*" and request.method == b"OPTIONS":
        return host or b"", target
    absolute = split_absolute(target)
    if absolute is None or not absolute[0]:
        raise ClientError(400, "malformed target")
    request.headers.set(b"Host", absolute[0])
    return absolute


def _frame(request: Request, length: bytes | None, coding: bytes | None) -> None:
    """One framing, or a refusal (RFC 9112 §6.3)."""
    if coding is not None:
        if request.minor == 0 or length is not None:
            raise ClientError(400, "Transfer-Encoding where it cannot be trusted")
        if coding != b"chunked":
            raise ClientError(501, "a transfer coding other than chunked")
        request.content_length = None
    elif length is not None:
        if not length.isdigit() or len(length) > 18:
            raise ClientError(400, "malformed Content-Length")
        request.content_length = int(length)


class _Complete:
    """Notes that a head was complete."""

    complete = False

    def on_headers_complete(self) -> None:
        self.complete = True


def repair(head: bytes) -> bytes | None:
    """A head whose only fault is a target that clients get wrong in one clear way, rewritten; None if there is none.

    Raw non-ASCII bytes are percent-encoded, as browsers do, and an empty target is ``/`` (RFC 9112 §3.2.1: what the
    client had to send). Both are rewritten before anything else sees them, so only one reading goes on. A method the
    parser does not know is fine (RFC 9110 §16.1: the set is open): the rest of its head is checked as that of a POST.
    """
    line_end = head.find(b"\r\n")
    parts = head[:line_end].split(b" ")
    if len(parts) != 3 or _METHOD.fullmatch(parts[0]) is None or parts[0].upper() == b"CONNECT":
        return None
    if parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        return None
    if not parts[1]:
        parts[1] = b"/"
    elif not parts[1].isascii():
        parts[1] = b"".join([b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in parts[1]])
    owner = _Complete()
    try:
        feed(HttpRequestParser(owner), b" ".join([b"POST", *parts[1:]]) + head[line_end:])
    except ValueError:
        return None
    return b" ".join(parts) + head[line_end:] if owner.complete else None


def _persists(request: Request) -> bool:
    """Whether the connection outlives this request (RFC 9112 §9.3). GET and HEAD with a body are answered, but on a
    connection of their own: too many servers take that body for the next request."""
    if request.content_length != 0 and request.method in (b"GET", b"HEAD"):
        return False
    connection = request.connection
    if not connection:
        return request.minor == 1
    tokens = [token.strip(b" \t") for token in connection.split(b",")]
    return b"close" not in tokens and (request.minor == 1 or b"keep-alive" in tokens)
