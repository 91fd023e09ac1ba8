"""A rule as a tree of four frozen node types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Match:
    """One matcher with its values: ``Host(`a.example`)``.

    `name` is canonical (``Headers`` has become ``Header``). Values are text; a byte that is no UTF-8 (written as
    ``\\xff``) is kept as a surrogate, so `encode` below gives back the exact bytes. Offsets count characters of the
    rule; they take no part in comparison.
    """

    name: str
    values: tuple[str, ...]
    offset: int = field(default=0, compare=False)
    length: int = field(default=1, compare=False)
    places: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    """(offset, length) of each value, quotes included."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(quote, self.values))})"


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when `child` does not."""

    child: Node

    def __str__(self) -> str:
        return f"!{_grouped(self.child, (And, Or))}"


@dataclass(frozen=True, slots=True)
class And:
    """Holds when all of two or more children hold; no child is itself an And."""

    children: tuple[Node, ...]

    def __str__(self) -> str:
        return " && ".join(_grouped(child, (Or, And)) for child in self.children)


@dataclass(frozen=True, slots=True)
class Or:
    """Holds when one of two or more children holds; no child is itself an Or."""

    children: tuple[Node, ...]

    def __str__(self) -> str:
        return " || ".join(_grouped(child, (Or,)) for child in self.children)


Node = Match | Not | And | Or


def conjunction(nodes: tuple[Node, ...]) -> Node:
    """The one node, or an And of all of them with nested Ands taken apart."""
    return nodes[0] if len(nodes) == 1 else And(_flat(nodes, And))


def disjunction(nodes: tuple[Node, ...]) -> Node:
    """The one node, or an Or of all of them with nested Ors taken apart."""
    return nodes[0] if len(nodes) == 1 else Or(_flat(nodes, Or))


def matches(node: Node) -> Iterator[Match]:
    """Every matcher in the tree, left to right, negated or not."""
    if isinstance(node, Match):
        yield node
    elif isinstance(node, Not):
        yield from matches(node.child)
    else:
        for child in node.children:
            yield from matches(child)


def encode(value: str) -> bytes:
    """A value as the bytes it is compared with."""
    return value.encode(errors="surrogateescape")


def quote(value: str) -> str:
    """`value` as the rule language writes it: in backticks, or in double quotes where backticks cannot hold it."""
    if "`" not in value and "\r" not in value and value.isprintable():
        return f"`{value}`"
    return '"' + "".join(map(_escaped, encode(value).decode("latin-1"))) + '"'


def _escaped(byte: str) -> str:
    if byte in '"\\':
        return "\\" + byte
    return byte if " " <= byte <= "~" else f"\\x{ord(byte):02x}"


def _flat(nodes: tuple[Node, ...], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.children if isinstance(node, kind) else (node,))
    return tuple(flat)


def _grouped(node: Node, kinds: tuple[type, ...]) -> str:
    return f"({node})" if isinstance(node, kinds) else str(node)
