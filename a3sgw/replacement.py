"""What takes the place of a match, as Go and Traefik write it: ``$1``, ``${name}``, ``$$`` for a dollar sign."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)
Part = bytes | int


def parts_of(text: str, groups: int, names: Mapping[str, int]) -> tuple[Part, ...]:
    """The text cut up: bytes stay, a number is a group of the expression. What has no group is empty, as in Go.

    ``$1x`` is the group called "1x", as in Go: write ``${1}x``.
    """
    found: list[Part] = []
    end = 0
    for reference in _REFERENCE.finditer(text):
        found.append(text[end : reference.start()].encode())
        end = reference.end()
        name = reference[2] or reference[3]
        if reference[1]:
            found.append(b"$")
        elif name.isdecimal():
            found += [int(name)] if int(name) <= groups else []
        elif name in names:
            found.append(names[name])
    found.append(text[end:].encode())
    return tuple(part for part in found if part != b"")


def expanded(parts: tuple[Part, ...], group: Callable[[int], bytes | None]) -> bytes:
    """The replacement for one match; `group` is asked for its groups."""
    return b"".join([part if isinstance(part, bytes) else group(part) or b"" for part in parts])
