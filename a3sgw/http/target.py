"""The request target: split, checked, and normalised for routing without changing what the endpoint should see.

Unreserved characters are decoded and hex digits upper-cased *before* dot segments are resolved, so ``/%2e%2E/`` cannot
hide one; reserved characters stay encoded, so ``/admin%2Fx`` never becomes ``/admin/x`` (CVE-2025-66490 of a peer).
The endpoint gets the raw path unless dot segments or doubled slashes were resolved: then it gets the path that was
routed on, so that both sides speak of the same resource.
"""

from __future__ import annotations

import re

from a3sgw.errors import ClientError

_PLAIN = re.compile(rb"[%#\\]|/[/.]")
_TRIPLE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(.*)", re.DOTALL)
_RESERVED = frozenset(b":/?#[]@!$&'()*+,;=%")


def split_target(target: bytes, merge_slashes: bool = True) -> tuple[bytes, bytes, bytes]:
    """Origin-form `target` → (routing path, query, target for the endpoint); ClientError 400 for what is ambiguous.

    >>> split_target(b"/a/%2e%2e/b%2fc?x=%2e")
    (b'/b%2Fc', b'x=%2e', b'/b%2Fc?x=%2e')
    """
    raw, mark, query = target.partition(b"?")
    if _PLAIN.search(raw) is None:
        return raw, query, target
    path = decode_unreserved(raw)
    clean = remove_dot_segments(path, merge_slashes)
    if clean == path:
        return path, query, target
    encoded = remove_dot_segments(encode_again(raw), merge_slashes)
    return clean, query, encoded + mark + query


def decode_unreserved(raw: bytes) -> bytes:
    """Decode every triple but the reserved characters, whose hex digits become upper case."""
    if b"#" in raw or b"\\" in raw:
        raise ClientError(400, "a raw # or \\ in the path")
    return _TRIPLE.sub(_decoded, raw)


def _decoded(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        raise ClientError(400, "an incomplete percent-encoding in the path")
    byte = int(found[1], 16)
    if byte == 0:
        raise ClientError(400, "an encoded NUL in the path")
    if byte in _RESERVED:
        return found[0].upper()
    return b"%c" % byte


def encode_again(raw: bytes) -> bytes:
    """`raw` with only those triples decoded that stand for RFC 3986 unreserved characters: safe to send on."""
    return _TRIPLE.sub(lambda found: _decoded(found) if _is_unreserved(int(found[1], 16)) else found[0].upper(), raw)


def _is_unreserved(byte: int) -> bool:
    return chr(byte).isascii() and (chr(byte).isalnum() or byte in b"-._~")


def remove_dot_segments(path: bytes, merge_slashes: bool) -> bytes:
    """RFC 3986 §5.2.4; with `merge_slashes` empty segments go as well, as Traefik's `sanitizePath` does."""
    kept: list[bytes] = []
    segments = path[1:].split(b"/")
    last = len(segments) - 1
    for position, segment in enumerate(segments):
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment != b"." and (segment or not merge_slashes or position == last):
            kept.append(segment)
            continue
        if position == last:
            kept.append(b"")
    return b"/" + b"/".join(kept)


def split_absolute(target: bytes) -> tuple[bytes, bytes] | None:
    """Absolute-form → (authority, origin-form target); None when it is no http(s) URL (RFC 9112 §3.2.2)."""
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        return None
    rest = found[2]
    return found[1], rest if rest[:1] == b"/" else b"/" + rest
