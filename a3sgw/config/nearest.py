"""Guesses which name an operator meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like the given one, or ""."""
    names = [one for one in known if abs(len(one) - len(name)) <= 8][:5000]
    return next(iter(get_close_matches(name[:80], names, n=1, cutoff=0.6)), "")


def did_you_mean(name: str, known: Iterable[str], what: str = "") -> str:
    """A sentence of help: the nearest name, or else the few that exist, or ""."""
    names = sorted(set(known))
    if found := nearest(name, names):
        return f'did you mean "{found}"?'
    if not names:
        return f"there are no {what} yet" if what else ""
    if len(names) <= 12:
        return f"use one of: {', '.join(names)}"
    return ""
