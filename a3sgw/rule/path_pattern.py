"""``PathPattern``: paths with named segments, as in ``/worlds/:world_id/{part}/**``."""

from __future__ import annotations

import re

from a3sgw.rule.arguments import path, refuse, refuse_part
from a3sgw.rule.ast import Match, encode
from a3sgw.rule.errors import RuleError

_NAME = re.compile(r":([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\}", re.ASCII)
_STARS = re.compile(r"\*{1,2}$")


class PathPattern:
    """A compiled pattern; matches whole routing paths, in time linear in their length.

    A named segment is one or more bytes without ``/``; a final ``*`` or ``**`` is any rest, empty or with slashes.
    """

    __slots__ = ("_fullmatch", "literal", "names")

    def __init__(self, literal: bytes, expression: bytes, names: tuple[str, ...]) -> None:
        self._fullmatch = re.compile(expression, re.DOTALL).fullmatch
        self.literal = literal
        """What every matching path starts with: the text before the first named segment or star."""
        self.names = names

    def matches(self, path: bytes) -> bool:
        """Whether the whole `path` fits."""
        return self._fullmatch(path) is not None

    def captures(self, path: bytes) -> dict[str, str]:
        """Segment values by name, the rest as ``*``; reserved characters stay encoded as in the routing
        path, and what is not UTF-8 is kept (PEP 383)."""
        found = self._fullmatch(path)
        values = found.groups() if found else ()
        return {name: value.decode(errors="surrogateescape") for name, value in zip(self.names, values, strict=False)}


def compile_path_pattern(match: Match) -> PathPattern:
    """The pattern in the one value of `match`; raises RuleError."""
    path(match)
    value = match.values[0]
    stars = _STARS.search(value)
    names: list[str] = []
    pieces: list[str | bytes] = []
    for segment in value[: stars.start() if stars else None].split("/"):
        pieces += (b"/", _segment(match, segment, names))
    literal = b"".join(_leading(pieces[1:]))
    if stars:
        names.append("*")
    expression = b"".join(re.escape(x) if isinstance(x, bytes) else b"([^/]+)" for x in pieces[1:])
    return PathPattern(literal, expression + (b"(.*)" if stars else b""), tuple(names))


def _segment(match: Match, segment: str, names: list[str]) -> str | bytes:
    """The name of a named segment (also added to `names`), or the bytes of a literal one."""
    if found := _NAME.fullmatch(segment):
        name = found[1] or found[2]
        if name in names:
            raise refuse(match, 0, f"{name} is captured twice", "Give every captured segment its own name.")
        names.append(name)
        return name
    if "*" in segment:
        help = "Name the segment instead, as in :name."
        raise _refused(match, segment, "a * may only end the pattern", help)
    if segment.startswith(":") or "{" in segment or "}" in segment:
        raise _refused(
            match, segment, f"{segment} is not a name", "Write :name or {name} as a whole segment, of letters and _."
        )
    return encode(segment)


def _refused(match: Match, segment: str, summary: str, help: str) -> RuleError:
    return refuse_part(match, 0, match.values[0].find(segment), len(segment), summary, help)


def _leading(pieces: list[str | bytes]) -> list[bytes]:
    leading: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, str):
            break
        leading.append(piece)
    return leading
