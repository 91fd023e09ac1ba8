"""How the mirror's answer to a request differs from the one that the client got: values in, differences out."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

MOST = 20
"""Differences that are told of one body."""
SHOWN = 100
"""Characters that are shown of a value."""
_JSON = re.compile(rb"(?i)\s*application/(?:[a-z0-9.+_-]+\+)?json\s*(?:;|\Z)")
_DEFLATED = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
"""Content codings that can be decoded here, with the window bits that zlib wants."""


class NotComparable(Exception):
    """Nothing can be said of these two answers; the message says why."""


class Difference(NamedTuple):
    """One thing that is not the same; the values are at most `SHOWN` characters each."""

    what: Literal["status", "latency", "body"]
    place: str
    """``body.items.3.price``; for bytes ``body at byte 17``; else the same as `what`."""
    main: str
    mirror: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What of an answer is compared; `seconds` from the request to its last byte."""

    status: int
    seconds: float
    content_type: bytes
    content_encoding: bytes
    body: bytes


def compare(
    main: Answer, mirror: Answer, ignored: Iterable[str], limit: int, max_slower_ms: float | None
) -> list[Difference]:
    """All that is different, by status, latency and body, at most `MOST` in the body.

    `ignored` are fields of JSON bodies: a name without a dot wherever it stands, a path with dots from the root on, in
    which ``*`` is every item of a list. Latency is a difference only beyond `max_slower_ms`. NotComparable when the
    bodies are encoded in different ways, or are more than `limit` bytes decoded.

    What differs is shown, and it may be a secret: an operator who compares answers that hold secrets names them in
    `ignored`.
    """
    if _coding(main) != _coding(mirror):
        raise NotComparable("the answers are encoded in different ways")
    bodies = _decoded(main, limit), _decoded(mirror, limit)
    found: list[Difference] = []
    if main.status != mirror.status:
        found.append(Difference("status", "status", str(main.status), str(mirror.status)))
    slower = (mirror.seconds - main.seconds) * 1000
    if max_slower_ms is not None and slower > max_slower_ms:
        found.append(
            Difference("latency", "latency", f"{main.seconds * 1000:.1f} ms", f"{mirror.seconds * 1000:.1f} ms")
        )
    if bodies[0] != bodies[1]:
        both_json = _JSON.match(main.content_type) and _JSON.match(mirror.content_type)
        found += _json(*bodies, Ignored(ignored)) if both_json else _bytes(*bodies)
    return found


class Ignored:
    """Fields of JSON values that may differ."""

    def __init__(self, fields: Iterable[str]) -> None:
        fields = tuple(fields)
        self._names = frozenset(field for field in fields if "." not in field)
        self._paths = tuple(tuple(field.split(".")) for field in fields if "." in field)

    def without(self, value: object, path: tuple[str, ...] = ()) -> object:
        """The same without these fields; `path` is where it stands, with ``*`` for a place in a list."""
        if isinstance(value, dict):
            return {
                name: self.without(inner, (*path, name))
                for name, inner in value.items()
                if name not in self._names and (*path, name) not in self._paths
            }
        if isinstance(value, list):
            return [self.without(inner, (*path, "*")) for inner in value]
        return value


def _coding(answer: Answer) -> bytes:
    name = answer.content_encoding.lower()
    return b"" if name == b"identity" else name


def _decoded(answer: Answer, limit: int) -> bytes:
    """The body without its content coding, if that is one we know; never more than `limit` bytes of memory."""
    bits = _DEFLATED.get(_coding(answer))
    if bits is None or not answer.body:
        return answer.body
    decoder = zlib.decompressobj(bits)
    try:
        body = decoder.decompress(answer.body, limit + 1)
    except zlib.error as error:
        raise NotComparable("the body is not encoded as it says") from error
    if len(body) > limit:
        raise NotComparable("the body is too large")
    if not decoder.eof or decoder.unused_data:
        raise NotComparable("the body is not encoded as it says")
    return body


def _json(main: bytes, mirror: bytes, ignored: Ignored) -> list[Difference]:
    """As values; what does not parse, or is nested too deeply, is bytes."""
    try:
        values = [ignored.without(json.loads(body)) for body in (main, mirror)]
        return list(islice(_values("body", *values), MOST))
    except (ValueError, RecursionError):
        return _bytes(main, mirror)


def _values(place: str, main: object, mirror: object) -> Iterator[Difference]:
    """Item by item as long as both sides have the same shape."""
    if isinstance(main, dict) and isinstance(mirror, dict):
        for name in (*main, *(name for name in mirror if name not in main)):
            here = f"{place}.{name}"
            if name in main and name in mirror:
                yield from _values(here, main[name], mirror[name])
            else:
                sides = (_show(side[name]) if name in side else "absent" for side in (main, mirror))
                yield Difference("body", _short(here), *sides)
    elif isinstance(main, list) and isinstance(mirror, list):
        if len(main) != len(mirror):
            yield Difference("body", _short(place), f"{len(main)} items", f"{len(mirror)} items")
        for number, sides_ in enumerate(zip(main, mirror, strict=False)):
            yield from _values(f"{place}.{number}", *sides_)
    elif isinstance(main, bool) is not isinstance(mirror, bool) or main != mirror:  # True == 1 in Python, not in JSON
        yield Difference("body", _short(place), _show(main), _show(mirror))


def _bytes(main: bytes, mirror: bytes) -> list[Difference]:
    """From where they are not the same any more."""
    at, end = 0, min(len(main), len(mirror))
    while at < end:
        middle = (at + end + 1) // 2
        at, end = (middle, end) if main[at:middle] == mirror[at:middle] else (at, middle - 1)
    shown = (_short(body[at : at + 4 * SHOWN].decode(errors="replace")) for body in (main, mirror))
    return [Difference("body", f"body at byte {at}", *shown)]


def _show(value: object) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    """So much of it that logs take; halves of surrogate pairs, which JSON may have and UTF-8 has not, are spelled."""
    text = text[: SHOWN + 1].encode(errors="backslashreplace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
