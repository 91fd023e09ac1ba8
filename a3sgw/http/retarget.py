"""Give a request another path, so that what was routed on and what the endpoint gets stay one resource."""

from __future__ import annotations

import re

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.http.target import decode_unreserved, split_target

_DOTS = re.compile(rb"(?:\A|/)\.{1,2}(?:/|\Z)")
_PIECE = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_NOT_IN_A_PATH = re.compile(rb"[^!$&-;=@A-Z_a-z~%]|%(?![0-9A-Fa-f]{2})")
_NOT_IN_A_QUERY = re.compile(rb"[^!$&-;=?@A-Z_a-z~%]|%(?![0-9A-Fa-f]{2})")
_RESERVED = b":/?#[]@!$&'()*+,;=%"


def encode_path(text: bytes) -> bytes:
    """Percent-encode what cannot stand in a path (RFC 3986 §3.3); triples stay, as does ``/``."""
    return _NOT_IN_A_PATH.sub(_triple, text)


def encode_query(text: bytes) -> bytes:
    """The same for a query."""
    return _NOT_IN_A_QUERY.sub(_triple, text)


def encode_url(text: bytes) -> bytes:
    """The same for a whole URL."""
    return re.sub(rb"[^!#$&-;=?@A-Z\[\]_a-z~%]|%(?![0-9A-Fa-f]{2})", _triple, text)


def encode_piece(text: bytes) -> bytes:
    """Percent-encode everything but unreserved characters: it stays one piece wherever it is put."""
    return re.sub(rb"[^A-Za-z0-9._~-]", _triple, text)


def encode_but_triples(text: bytes) -> bytes:
    """The same for what is percent-encoded already, such as segments of a path and values of a query."""
    return re.sub(rb"[^A-Za-z0-9._~%-]", _triple, text)


def as_it_is(text: bytes) -> bytes:
    """For pieces of a path in a path, and of a query in a query."""
    return text


def _triple(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def retarget(request: Request, path: bytes, query: bytes | None = None) -> None:
    """From now on the request is for `path`, in which reserved characters that mean themselves are encoded, as in
    `Request.path`, and for this `query`, or the one it has.

    ClientError 400 for dot segments: a pattern that cuts ``/api../x`` must not lead out of where it leads to.
    """
    raw = encode_path(path if path[:1] == b"/" else b"/" + path)
    if _DOTS.search(decode_unreserved(raw)):
        raise ClientError(400, "dot segments in a changed path")
    if query is None:
        query = request.target.partition(b"?")[2]
        mark = b"?" in request.target
    else:
        query = encode_query(query)
        mark = query != b""
    target = raw + b"?" + query if mark else raw
    request.path, request.query, request.target = split_target(target, False)


def told_prefix(prefix: bytes) -> bytes:
    """The field line that says which prefix is missing."""
    return b"X-Forwarded-Prefix: %b\r\n" % re.sub(rb"[^ -~]", _triple, prefix)


def strip(request: Request, prefix: bytes, line: bytes = b"") -> None:
    """Take `prefix`, with which the path begins, off path and target alike, and say so in X-Forwarded-Prefix.

    What is left of the target keeps the spelling that the client chose. ClientError 400 for dot segments.
    """
    raw, mark, query = request.target.partition(b"?")
    path = request.path[len(prefix) :]
    rest = raw[len(prefix) :] if raw.startswith(prefix) else _raw_rest(raw, len(prefix))
    if (b"." in path and _DOTS.search(path)) or (b"." in rest and _DOTS.search(rest)):
        raise ClientError(400, "dot segments behind a stripped prefix")
    request.path = path if path.startswith(b"/") else b"/" + path
    request.target = (rest if rest.startswith(b"/") else b"/" + rest) + mark + query
    request.headers.extend(line or told_prefix(prefix))


def _raw_rest(raw: bytes, length: int) -> bytes:
    """What of a percent-encoded path lies behind `length` characters of the routing path, in which reserved triples are
    still three characters and all others one."""
    position = 0
    for found in _PIECE.finditer(raw):
        if length <= 0:
            return raw[position:]
        piece = found[0]
        reserved = len(piece) == 3 and bytes([int(piece[1:], 16)]) in _RESERVED
        length -= 3 if reserved else 1
        position = found.end()
    return raw[position:]
