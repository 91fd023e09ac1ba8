"""A request head: bytes in, `Request` out, with everything refused that two parsers could read in two ways.

One compiled scan finds the few fields that matter to a proxy; the rest of the block stays the bytes that arrived. What is
connection-specific, spoofable or framing is cut out here, before any middleware looks (RFC 9110 §7.6.1).
"""

from __future__ import annotations

import re

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.host import canonical_host
from a3sgw.http.message import Request
from a3sgw.http.parser import request_parser
from a3sgw.http.target import split_absolute, split_target

_FIELD = re.compile(
    rb"\n(c(?:onnection|ontent-length)|expect|forwarded|h(?:ost|ttp2-settings)|keep-alive"
    rb"|proxy-(?:connection|authenticate|authorization)|t(?:e|railer|ransfer-encoding)|upgrade"
    rb"|x-(?:forwarded-[a-z-]+|real-ip|scheme|request-id)):[ \t]*([^\r]*)\r"
)
_UNDERSCORE = re.compile(rb"\n[A-Za-z0-9-]*_")
_UNDERSCORE_LINE = re.compile(rb"\n[^:\n]*_[^:\n]*:[^\n]*")
_MANAGED = (b"x-", b"forwarded")
_KEPT = frozenset({b"host", b"content-length", b"connection", b"upgrade"})


class HeadRules:
    """What an entrypoint makes of heads; read once at load."""

    __slots__ = ("max_headers", "merge_slashes", "underscores")

    def __init__(self, max_headers: int = 200, merge_slashes: bool = True, underscores: str = "delete") -> None:
        self.max_headers = max_headers
        self.merge_slashes = merge_slashes
        self.underscores = underscores


class Fields:
    """The fields of one head that the gateway itself acts on."""

    __slots__ = ("connection", "content_length", "cuts", "expect", "forwarded", "host", "te", "trailer", "transfer_encoding")

    def __init__(self) -> None:
        self.host: bytes | None = None
        self.connection = b""
        self.content_length: bytes | None = None
        self.transfer_encoding: bytes | None = None
        self.expect: bytes | None = None
        self.te = b""
        self.trailer = b""
        self.forwarded: list[tuple[bytes, bytes]] | None = None
        """Managed X-Forwarded-* and related fields as the peer sent them; believed only from trusted peers."""
        self.cuts: list[tuple[int, int]] = []
        """Ranges of the head to leave out, in order."""


def read_request(head: bytes, rules: HeadRules) -> tuple[Request, Fields]:
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
    if version == b"HTTP/1.1":
        request.minor = 1
    elif version == b"HTTP/1.0":
        request.minor = 0
    else:
        raise ClientError(505, "unsupported HTTP version")
    if head.count(b"\n") > rules.max_headers + 2:
        raise ClientError(431, "too many header fields")
    fields = scan(head, line_end, rules)
    request.method = method
    request.raw_target = target
    _place_target(request, target, fields, rules)
    _place_body(request, fields)
    request.headers = Headers(cut(head, line_end + 2, fields.cuts))
    return request, fields


def scan(head: bytes, line_end: int, rules: HeadRules) -> Fields:
    """Find and check the fields that matter; every one but Host-like end-to-end fields is marked to be cut out."""
    fields = Fields()
    cuts = fields.cuts
    lowered = head.lower()
    for found in _FIELD.finditer(lowered, line_end):
        name = found[1]
        start, end = found.span(2)
        value = head[start:end].rstrip(b" \t")
        if name == b"host":
            if fields.host is not None:
                raise ClientError(400, "more than one Host")
            fields.host = value
        elif name == b"connection":
            fields.connection = fields.connection + b"," + value.lower() if fields.connection else value.lower()
        elif name == b"content-length":
            if fields.content_length is not None:
                raise ClientError(400, "more than one Content-Length")
            fields.content_length = value
        elif name == b"transfer-encoding":
            if fields.transfer_encoding is not None:
                raise ClientError(400, "more than one Transfer-Encoding")
            fields.transfer_encoding = value.lower()
        elif name == b"expect":
            fields.expect = value.lower()
        elif name == b"te":
            fields.te += value.lower()
        elif name == b"trailer":
            fields.trailer = value
        elif name.startswith(_MANAGED):
            if fields.forwarded is None:
                fields.forwarded = []
            fields.forwarded.append((name, value))
        cuts.append((found.start() + 1, end + 2))
    if _UNDERSCORE.search(head, line_end):
        _underscores(head, line_end, fields, rules)
    if fields.connection:
        _connection_listed(lowered, line_end, fields)
    return fields


def cut(head: bytes, start: int, cuts: list[tuple[int, int]]) -> bytes:
    """The field lines of `head` from `start` without the ranges in `cuts` and without the empty line."""
    end = len(head) - 2
    if len(cuts) == 1:
        first, last = cuts[0]
        return head[last:end] if first == start else head[start:first] + head[last:end]
    pieces = []
    for first, last in cuts:
        if first > start:
            pieces.append(head[start:first])
        start = last
    pieces.append(head[start:end])
    return b"".join(pieces)


def _underscores(head: bytes, line_end: int, fields: Fields, rules: HeadRules) -> None:
    """``X_User`` reads as ``X-User`` to WSGI and CGI endpoints: left out, refused or kept as the entrypoint says."""
    if rules.underscores == "keep":
        return
    if rules.underscores == "reject":
        raise ClientError(400, "a header name with an underscore")
    for found in _UNDERSCORE_LINE.finditer(head, line_end):
        fields.cuts.append((found.start() + 1, found.end() + 1))
    fields.cuts.sort()


def _connection_listed(lowered: bytes, line_end: int, fields: Fields) -> None:
    """Leave out what Connection names (RFC 9110 §7.6.1), but never a field the gateway manages itself."""
    for token in fields.connection.split(b","):
        name = token.strip(b" \t")
        if not name or name in (b"close", b"keep-alive", b"te") or name in _KEPT or name.startswith(_MANAGED):
            continue
        for found in re.finditer(rb"\n" + re.escape(name) + rb":[^\n]*", lowered[line_end:]):
            first, last = line_end + found.start() + 1, line_end + found.end() + 1
            if (first, last) not in fields.cuts:
                fields.cuts.append((first, last))
    fields.cuts.sort()


def _place_target(request: Request, target: bytes, fields: Fields, rules: HeadRules) -> None:
    """Target and Host become path, query, authority and canonical host; routing and forwarding use the same values."""
    authority = fields.host
    if authority is None:
        if request.minor == 1:
            raise ClientError(400, "no Host")
        authority = b""
    if target[:1] != b"/":
        if request.method == b"CONNECT":
            raise ClientError(501, "CONNECT is not offered")
        if target == b"*" and request.method == b"OPTIONS":
            request.target = request.path = target
            request.authority = authority
            request.host = canonical_host(authority) if authority else b""
            return
        absolute = split_absolute(target)
        if absolute is None:
            raise ClientError(400, "malformed target")
        if authority:
            canonical_host(authority)  # it is replaced, but a malformed one is still refused
        authority, target = absolute
        if not authority:
            raise ClientError(400, "an absolute target without a host")
    request.path, request.query, request.target = split_target(target, rules.merge_slashes)
    request.authority = authority
    if authority:
        request.host = canonical_host(authority)


def _place_body(request: Request, fields: Fields) -> None:
    """One framing, or a refusal (RFC 9112 §6.3)."""
    coding = fields.transfer_encoding
    if coding is not None:
        if request.minor == 0 or fields.content_length is not None:
            raise ClientError(400, "Transfer-Encoding where it cannot be trusted")
        if coding != b"chunked":
            raise ClientError(501, "a transfer coding other than chunked")
        request.content_length = None
    elif fields.content_length is not None:
        length = fields.content_length
        if not length.isdigit() or len(length) > 18:
            raise ClientError(400, "malformed Content-Length")
        request.content_length = int(length)


def repair(head: bytes) -> bytes | None:
    """A head whose only fault is a target that clients get wrong in one clear way, rewritten; None if there is none.

    Raw non-ASCII bytes are percent-encoded, as browsers do, and an empty target is ``/`` (RFC 9112 §3.2.1: what the client
    had to send). Both are rewritten before anything else sees them, so only one reading goes on.
    """
    line_end = head.find(b"\r\n")
    parts = head[:line_end].split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        return None
    if not parts[1]:
        parts[1] = b"/"
    elif not parts[1].isascii():
        parts[1] = b"".join([b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in parts[1]])
    else:
        return None
    fixed = b" ".join(parts) + head[line_end:]
    try:
        return fixed if request_parser().feed(fixed) else None
    except ValueError:
        return None
