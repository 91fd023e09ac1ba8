"""Makes trees for pieces that differ from a parsed one only in their plain literals, without parsing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from a3sgw.config.nodes import Block, Body, Literal, Span

Scalar = int | str
Make = Callable[[Sequence[Scalar], Sequence[int]], Any]
"""The values of the literals and the columns behind them (and a last 0) → a part of the tree."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A quoted string or a number, where it stands in its piece, and its value."""

    line: int
    column: int
    end: int
    value: Scalar


class Stencil:
    """The tree of one piece with holes where its literals were; `fill()` makes the tree of another piece."""

    def __init__(self, cuts: Sequence[Cut], make: Make) -> None:
        self._make = make
        # A literal on its own line keeps its column; one behind another keeps its distance from it.
        self._columns = [
            (False, cut.column) if before is None or before.line != cut.line else (True, cut.column - before.end)
            for before, cut in zip([None, *cuts], cuts, strict=False)
        ]

    def fill(self, values: Sequence[Scalar], widths: Sequence[int]) -> Body:
        """The tree with these literals; `widths` are their lengths in characters, quotes included."""
        ends: list[int] = []
        end = 0
        for (follows, column), width in zip(self._columns, widths, strict=True):
            end = (end + column if follows else column) + width
            ends.append(end)
        ends.append(0)
        return cast(Body, self._make(values, ends))


def stencil_of(tree: Body, cuts: Sequence[Cut]) -> Stencil | None:
    """The stencil of a tree, given its literals in order; None unless each is found in it exactly once."""
    cutter = _Cutter(cuts)
    try:
        make = cutter.make(tree)
    except _DoubtError:
        return None
    return None if make is None or cutter.missing else Stencil(cuts, make)


class _DoubtError(Exception):
    """The tree is not what the literals let expect."""


class _Cutter:
    """Turns parts of a tree into functions that make them; what cannot differ is shared and has no function."""

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self.cuts = cuts
        self.missing = set(range(len(cuts)))
        self._at = {(cut.line, cut.column, cut.line, cut.end): index for index, cut in enumerate(cuts)}
        self._on_line: dict[int, list[int]] = {}
        for index, cut in enumerate(cuts):
            self._on_line.setdefault(cut.line, []).append(index)

    def make(self, part: Any) -> Make | None:
        if isinstance(part, Literal) and part.span in self._at:
            return self._literal(part)
        if isinstance(part, Block):
            return self._assembled(Block, [(part.type, None), *self._head(part), self._field("body", part.body)])
        if isinstance(part, tuple):
            return self._tuple(part)
        if hasattr(part, "__dataclass_fields__"):
            return self._assembled(type(part), [self._field(one.name, getattr(part, one.name)) for one in fields(part)])
        return None

    def _field(self, name: str, part: Any) -> tuple[Any, Make | None]:
        return part, self._span(part) if name in ("span", "name_span") else self.make(part)

    def _assembled(self, kind: Callable[..., Any], parts: Sequence[tuple[Any, Make | None]]) -> Make | None:
        values, moving = [part for part, _ in parts], _moving(parts)
        if not moving:
            return None

        def make(literals: Sequence[Scalar], ends: Sequence[int]) -> Any:
            arguments = values.copy()
            for index, one in moving:
                arguments[index] = one(literals, ends)
            return kind(*arguments)

        return make

    def _tuple(self, part: tuple[Any, ...]) -> Make | None:
        return self._assembled(_tuple_of, [(one, self.make(one)) for one in part])

    # Literals

    def _claim(self, index: int, value: Any) -> None:
        known = self.cuts[index].value
        if index not in self.missing or type(value) is not type(known) or value != known:
            raise _DoubtError
        self.missing.remove(index)

    def _literal(self, node: Literal) -> Make:
        index = self._at[node.span]
        self._claim(index, node.value)
        line = node.span[0]
        before, distance = self._point(line, node.span[1])

        def make(literals: Sequence[Scalar], ends: Sequence[int]) -> Literal:
            return Literal((line, ends[before] + distance, line, ends[index]), literals[index])

        return make

    def _head(self, block: Block) -> list[tuple[Any, Make | None]]:
        """The labels and the span of a block's first line."""
        start, stop = block.header[:2], block.header[2:]
        inside = [index for index, cut in enumerate(self.cuts) if start < (cut.line, cut.column) < stop]
        header = (block.header, self._span(block.header))
        if not inside:
            return [(block.labels, None), header]
        if len(inside) != len(block.labels):
            raise _DoubtError  # names with and without quotes: nobody writes that
        for index, label in zip(inside, block.labels, strict=True):
            self._claim(index, label)
        first, last = inside[0], inside[-1] + 1
        return [(block.labels, lambda literals, ends: tuple(literals[first:last])), header]

    # Spans

    def _span(self, span: Span) -> Make | None:
        line, column, end_line, end_column = span
        (before, distance), (last, rest) = self._point(line, column), self._point(end_line, end_column)
        if before < 0 and last < 0:
            return None
        return lambda literals, ends: (line, ends[before] + distance, end_line, ends[last] + rest)

    def _point(self, line: int, column: int) -> tuple[int, int]:
        """The literal before a column on its line, and the distance from its end; the last 0 when there is none."""
        before, end = -1, 0
        for index in self._on_line.get(line, ()):
            cut = self.cuts[index]
            if cut.column < column < cut.end:
                raise _DoubtError
            if cut.end <= column:
                before, end = index, cut.end
        return before, column - end


def _moving(parts: Sequence[tuple[Any, Make | None]]) -> list[tuple[int, Make]]:
    return [(index, make) for index, (_, make) in enumerate(parts) if make is not None]


def _tuple_of(*parts: Any) -> tuple[Any, ...]:
    return parts
