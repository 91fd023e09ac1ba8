"""What is wrong in a rule, and where in its text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RuleError(ValueError):
    """A rule is refused: `summary` is one line, `help` one sentence; `offset` and `length` count characters."""

    def __init__(self, summary: str, offset: int, length: int = 1, help: str = "") -> None:
        self.summary = summary
        self.offset = offset
        self.length = max(length, 1)
        self.help = help
        super().__init__(f"{summary} (column {offset + 1}{'; ' + help if help else ''})")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, compared without case."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
