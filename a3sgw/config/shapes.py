"""Parses one piece of each shape: pieces that differ only in plain literals have the same tree with other values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from a3sgw.config.nodes import Body
from a3sgw.config.split import Problem
from a3sgw.config.stencil import Cut, Scalar, Stencil, stencil_of
from a3sgw.config.syntax import parse
from a3sgw.config.template import unescaped

_MOST_SHAPES = 1000
_CUT = re.compile(
    r"""("[^"\\$%\n]*(?:(?:\\[^\n]|\$(?![{$])|%(?![{%]))[^"\\$%\n]*)*"  # a string with nothing to fill in
    |(?<==[ ])[0-9]{1,15}(?=\n))                                     # a number alone behind an equals sign
    |(\#[^\n]*|//[^\n]*|/\*(?s:.*?)\*/)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_STRANGE = re.compile(r'"|<<')
"""What must not be left between literals and comments: strings with something to fill in, and heredocs."""


class _First(NamedTuple):
    """The first piece of its shape; most configurations have no second one, so no more is made of it yet."""

    pieces: tuple[str | None, ...]
    tree: Body | Problem


@dataclass
class Shapes:
    """The shapes of the pieces seen so far, `_MOST_SHAPES` at most; `made` counts the trees made without parsing."""

    made: int = 0
    _known: dict[tuple[str | None, ...], _First | Stencil | None] = field(default_factory=dict)

    def parse(self, text: str) -> Body | Problem:
        """What `syntax.parse` gives for a text, spans included."""
        pieces = _CUT.split(text)
        written = pieces[1::3]
        # What is left has a mark in the place of each literal; comments are part of the shape.
        pieces[1::3] = [one and ('"' if one[0] == '"' else "0") for one in written]
        shape = tuple(pieces)
        known = self._known.get(shape)
        if isinstance(known, _First):
            known = self._known[shape] = _learn(known)
        if known is not None:
            literals = [one for one in written if one is not None]
            values = [_value(one) for one in literals]
            if None not in values:
                self.made += 1
                return known.fill(values, [len(one) for one in literals])  # type: ignore[arg-type]
        tree = parse(text)
        if shape not in self._known and len(self._known) < _MOST_SHAPES:
            pieces[1::3] = written
            self._known[shape] = _First(tuple(pieces), tree)
        return tree

    def forget(self) -> None:
        """Ends a load: what it has parsed is kept elsewhere, by its text."""
        self._known.clear()


def _learn(first: _First) -> Stencil | None:
    """The stencil for everything that looks like `first`; None when that cannot be told for certain."""
    if not isinstance(first.tree, Body) or any(_STRANGE.search(one) for one in first.pieces[::3] if one):
        return None
    cuts: list[Cut] = []
    line = column = 1
    for between, literal, comment in zip(*(chain(first.pieces, (None, None)),) * 3, strict=True):
        line, column = _behind(between or "", line, column)
        if literal is not None:
            value = _value(literal)
            if value is None:
                return None
            cuts.append(Cut(line, column, column + len(literal), value))
        line, column = _behind((literal or "") + (comment or ""), line, column)
    return stencil_of(first.tree, cuts)


def _behind(text: str, line: int, column: int) -> tuple[int, int]:
    newline = text.rfind("\n")
    return (line, column + len(text)) if newline < 0 else (line + text.count("\n"), len(text) - newline)


def _value(literal: str) -> Scalar | None:
    """What a literal stands for; None when it cannot be told, because of an escape that does not exist."""
    if literal[0] != '"':
        return int(literal)
    if "\\" not in literal:
        return literal[1:-1]
    try:
        return _ESCAPE.sub(lambda found: unescaped(found[0]), literal[1:-1])
    except ValueError:
        return None
