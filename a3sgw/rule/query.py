"""The query as rules see it: decoded like Go's url.ParseQuery, without touching what is forwarded."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def query_values(query: bytes, key: bytes) -> list[bytes]:
    """Every value of `key` in a raw query (without ``?``), in order.

    ``&`` and ``;`` separate pairs (Traefik turns an unencoded ``;`` into ``&`` before it routes), ``+`` is a space, a
    pair without ``=`` has an empty value, and a pair with a broken percent escape does not exist.
    """
    if not query:
        return []
    values = []
    for pair in query.replace(b";", b"&").split(b"&"):
        if pair:
            name, _, raw = pair.partition(b"=")
            if _decoded(name) == key and (value := _decoded(raw)) is not None:
                values.append(value)
    return values


def _decoded(text: bytes) -> bytes | None:
    """`text` without escapes, None if one is broken."""
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    if b"%" in _ESCAPE.sub(b"", text):
        return None
    return _ESCAPE.sub(_byte, text)


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])
