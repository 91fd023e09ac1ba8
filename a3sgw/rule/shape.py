"""Makes the trees of rules that differ only in their values, as those of generated configurations do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from a3sgw.rule.ast import And, Match, Node, Not, Or, matches
from a3sgw.rule.errors import RuleError
from a3sgw.rule.values import unquote

Make = Callable[[tuple[str, ...], tuple[tuple[int, int], ...]], Node]
"""The values, and offset and length of each as written (and a last 0, 0) → a tree."""

_VALUE = re.compile(r'(`[^`]*`|"(?:[^"\\\n]|\\[^\n])*")')
_EXAMPLE = "`x`"


def cut(rule: str) -> tuple[tuple[str, ...], list[str]]:
    """What stands between the values of a rule, and the values as they are written."""
    pieces = _VALUE.split(rule)
    return tuple(pieces[::2]), pieces[1::2]


class Shape:
    """What rules with the same text between their values have in common: everything but values and places."""

    def __init__(self, between: tuple[str, ...], parse: Callable[[str], Node]) -> None:
        """Raises RuleError, at no useful place, when there is no such rule or its values are not where they seem."""
        self._lengths = [len(piece) for piece in between]
        places = self._places([_EXAMPLE] * (len(between) - 1))
        tree = parse(_EXAMPLE.join(between))
        if tuple([place for match in matches(tree) for place in match.places]) != places[:-1]:
            raise RuleError("stray quotes", 0)
        self._make = _maker(tree, [offset + length for offset, length in places[:-1]])

    def fill(self, quoted: Sequence[str]) -> Node | None:
        """The tree with these values; None when one is empty. Raises RuleError for an unknown escape."""
        places = self._places(quoted)
        values = tuple([unquote(value, place[0]) for value, place in zip(quoted, places, strict=False)])
        return self._make(values, places) if all(values) else None

    def _places(self, quoted: Sequence[str]) -> tuple[tuple[int, int], ...]:
        places: list[tuple[int, int]] = []
        end = 0
        for between, value in zip(self._lengths, quoted, strict=False):
            places.append((end + between, len(value)))
            end += between + len(value)
        return (*places, (0, 0))


def _maker(node: Node, ends: list[int]) -> Make:
    """What makes a tree like `node`, the values of whose text end at `ends`."""
    if isinstance(node, Match):
        return _match_maker(node, ends)
    if isinstance(node, Not):
        child = _maker(node.child, ends)
        return lambda values, places: Not(child(values, places))
    kind: type[And] | type[Or] = type(node)
    children = [_maker(one, ends) for one in node.children]
    return lambda values, places: kind(tuple([make(values, places) for make in children]))


def _match_maker(match: Match, ends: list[int]) -> Make:
    name, name_length = match.name, match.length
    first = sum(end <= match.offset for end in ends)
    stop = first + len(match.places)
    # The name moves with the value before it; for the first one that is the last place, at 0.
    distance = match.offset - (ends[first - 1] if first else 0)

    def make(values: tuple[str, ...], places: tuple[tuple[int, int], ...]) -> Match:
        offset, length = places[first - 1]
        return Match(name, values[first:stop], offset + length + distance, name_length, places[first:stop])

    return make
