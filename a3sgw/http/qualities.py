"""Lists with preferences, as in Accept and Accept-Encoding (RFC 9110 §12.4.2)."""

from __future__ import annotations

import re

_WEIGHT = re.compile(rb";[ \t]*q[ \t]*=[ \t]*([01](?:\.\d{0,3})?)[ \t]*(?:;|$)", re.IGNORECASE)
_LONGEST = 64
"""Entries that are looked at."""


def qualities(value: bytes) -> list[tuple[bytes, float]]:
    """(what, q from 0 to 1) in the order written, in lower case and without parameters; a weight that is none is 1."""
    found = []
    for item in value.split(b",", _LONGEST)[:_LONGEST]:
        name = item.partition(b";")[0].strip(b" \t").lower()
        if name:
            weight = _WEIGHT.search(item)
            found.append((name, min(float(weight[1]), 1.0) if weight is not None else 1.0))
    return found


def preferred(accept: bytes, offered: tuple[bytes, ...]) -> bytes | None:
    """The media type of `offered` that an Accept field likes best; None when none will do.

    The most specific entry speaks for a type: ``text/html`` before ``text/*`` before ``*/*`` (RFC 9110 §12.5.1). Of
    types that are liked equally, one that is named wins, the first of those named, and then the first offered:
    ``application/json, */*`` wants JSON.
    """
    if not accept:
        return offered[0]
    wanted: dict[bytes, tuple[float, int]] = {}
    for position, (name, weight) in enumerate(qualities(accept)):
        wanted.setdefault(name, (weight, -position))
    best: tuple[tuple[float, int, int], bytes | None] = ((0.0, 0, 0), None)
    for media_type in offered:
        entries = (media_type, media_type.partition(b"/")[0] + b"/*", b"*/*")
        for specific, entry in zip((2, 1, 0), entries, strict=True):
            if entry in wanted:
                weight, order = wanted[entry]
                rank = (weight, specific, order if specific else 0)
                if weight and (best[1] is None or rank > best[0]):
                    best = (rank, media_type)
                break
    return best[1]
