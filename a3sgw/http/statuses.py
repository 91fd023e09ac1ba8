"""Groups of statuses as operators write them: ``404``, ``"502-504"``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from a3sgw.options import BeforeValidator, OptionError, ValueKind, WithJsonSchema, shown

_RANGE = re.compile(r"([2-5]\d\d)(?:-([2-5]\d\d))?", re.ASCII)


def _range(value: object) -> str:
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    found = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[2] or found[1]) < int(found[1]):
        raise OptionError(f"{shown(value)} is neither a status nor a range of them", 'write "404" or "500-599"')
    return found[0]


StatusRange = Annotated[
    str,
    BeforeValidator(_range),
    WithJsonSchema({"type": ["string", "integer"], "description": "404 or 500-599"}),
    ValueKind("status or range"),
]


def statuses(ranges: Iterable[str]) -> frozenset[int]:
    """Every status that one of these names."""
    found: set[int] = set()
    for one in ranges:
        first, _, last = one.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
