"""The syntax tree of one piece of HCL, in our own words: small, picklable, every node with its span."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int, int, int]
"""line, column, end line, end column; counted from 1, relative to the piece; the end is exclusive."""

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
"""What an expression evaluates to."""


@dataclass(frozen=True, slots=True)
class Node:
    """An expression."""

    span: Span


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, true, false, null, or text without anything to fill in."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Template(Node):
    """A string with parts to fill in; a template of one interpolation keeps the type of its value."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class TemplateIf(Node):
    """``%{ if … }…%{ else }…%{ endif }``."""

    condition: Node
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class TemplateFor(Node):
    """``%{ for key, value in … }…%{ endfor }``."""

    names: tuple[str, ...]
    collection: Node
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ObjectNode(Node):
    """``{ key = value }``; bare keys are literals."""

    items: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare name: ``local``, a ``for`` variable, or an environment variable inside a template."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """``target.name``."""

    target: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``target[key]``."""

    target: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Splat(Node):
    """``target[*].each``: `each` is evaluated with ``*`` bound to every element."""

    target: Node
    each: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``name(arguments)``; `expand` when the last argument ends in ``...``."""

    name: str
    arguments: tuple[Node, ...]
    expand: bool


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``-a`` or ``!a``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """``a + b`` and its like."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """``condition ? then : otherwise``; only the chosen side is evaluated."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """``[for k, v in c : value if condition]``; with a `key`: ``{for … : key => value...}``, `group` for the dots."""

    names: tuple[str, ...]
    collection: Node
    key: Node | None
    value: Node
    condition: Node | None
    group: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name = value`` in a body."""

    name: str
    name_span: Span
    value: Node


@dataclass(frozen=True, slots=True)
class Block:
    """``type "label" { body }``; `header` spans type and labels."""

    type: str
    labels: tuple[str, ...]
    header: Span
    body: Body


@dataclass(frozen=True, slots=True)
class Body:
    """Assignments and blocks, each in the order written."""

    assignments: tuple[Assignment, ...]
    blocks: tuple[Block, ...]
