"""Remembers where everything was written, so that any finding can point at its very characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from a3sgw.config.nodes import Block, Body, ListNode, Literal, Node, ObjectNode, Span
from a3sgw.config.split import Chunk
from a3sgw.config.syntax import parse
from a3sgw.config.template import literal_offsets
from a3sgw.diagnostic import Place

Path = tuple[str | int, ...]
"""Keys from the top of the configuration, e.g. ("routers", "api", "middlewares", 0)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The file and the piece of it that an item was written in."""

    file: str
    chunk: Chunk


@dataclass(eq=False)
class Document:
    """The sources of a configuration and the origin of each top-level item; trees are parsed again when asked for.

    Small to pickle: only texts travel.
    """

    sources: dict[str, str] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)
    trees: dict[str, Body] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {"sources": self.sources, "origins": self.origins, "trees": {}}

    def place(self, path: Path, offset: int = 0, length: int = 0, *, key: bool = False) -> Place:
        """Where the value at `path` stands, or the nearest thing around it that was written.

        `offset` and `length` count characters inside a text value and are exact when it is one plain literal. With
        `key` the place is that of the key instead of its value.
        """
        origin = self._origin(path)
        if origin is None:
            return Place(next(iter(self.sources), ""))
        body = self._tree(origin.chunk)
        if body is None:
            return place_of(origin, (1, 1, 1, 1))
        span, node = _find(body, path, key)
        if node is not None and (offset or length):
            span = _inside(node, origin.chunk.text, offset, length)
        return place_of(origin, span)

    def line(self, place: Place) -> str:
        """The source line a place points at, or "" when the file is unknown."""
        lines = self.sources.get(place.file, "").split("\n")
        return lines[place.line - 1].rstrip("\r") if 0 < place.line <= len(lines) else ""

    def written(self, path: Path) -> bool:
        """Whether the operator wrote something at exactly this path (and not only above it)."""
        origin = self._origin(path)
        body = self._tree(origin.chunk) if origin else None
        return body is not None and _find(body, path, False, strict=True)[1] is not None

    def _origin(self, path: Path) -> Origin | None:
        return self.origins.get(path[:2]) or self.origins.get(path[:1])

    def _tree(self, chunk: Chunk) -> Body | None:
        if chunk.text not in self.trees:
            parsed = parse(chunk.text)
            if not isinstance(parsed, Body):
                return None
            self.trees[chunk.text] = parsed
        return self.trees[chunk.text]


def place_of(origin: Origin, span: Span) -> Place:
    """A span of a piece as a place in its file."""
    shift = origin.chunk.line - 1
    return Place(origin.file, span[0] + shift, span[1], span[2] + shift, span[3])


Found = tuple[Span, Node | Block | Body | None]


def _find(body: Body, path: Path, key: bool, strict: bool = False) -> Found:
    """The span at the end of the path and what is there; stops at what was not written out (a for, a local)."""
    current: Node | Block | Body = body
    span: Span = (1, 1, 1, 1)
    steps = list(path)
    while steps:
        found = _step(current, steps)
        if found is None:
            return span, None if strict else current if not isinstance(current, Body) else None
        key_span, current = found
        span = key_span if key and not steps else _span(current, key_span)
    return span, current


def _step(current: Node | Block | Body, steps: list[str | int]) -> tuple[Span, Node | Block] | None:
    """Takes one or more steps off the path: the span of the key and what it leads to."""
    if isinstance(current, Block):
        if steps[0] == 0 and isinstance(steps[0], int):
            # One block where several were possible: index 0 of a list that was never written as one.
            steps.pop(0)
            return (current.header, current) if not steps else _step(current.body, steps)
        return _step(current.body, steps)
    if isinstance(current, Body):
        return _step_in_body(current, steps)
    if isinstance(current, ObjectNode):
        for key, value in current.items:
            if isinstance(key, Literal) and str(key.value) == str(steps[0]):
                steps.pop(0)
                return key.span, value
        if steps[0] == 0 and isinstance(steps[0], int):
            steps.pop(0)
            return (current.span, current) if not steps else _step(current, steps)
    if isinstance(current, ListNode) and isinstance(steps[0], int) and steps[0] < len(current.items):
        item = current.items[int(steps.pop(0))]
        return item.span, item
    return None


def _step_in_body(body: Body, steps: list[str | int]) -> tuple[Span, Node | Block] | None:
    for assignment in body.assignments:
        if assignment.name == steps[0]:
            steps.pop(0)
            return assignment.name_span, assignment.value
    blocks = [block for block in body.blocks if block.type == steps[0]]
    labelled = [block for block in blocks if block.labels and len(steps) > 1 and block.labels[0] == steps[1]]
    if labelled:
        del steps[:2]
        return labelled[0].header, labelled[0]
    if not blocks:
        return None
    steps.pop(0)
    if len(blocks) > 1 and steps and isinstance(steps[0], int) and steps[0] < len(blocks):
        block = blocks[int(steps.pop(0))]
        return block.header, block
    return blocks[0].header, blocks[0]


def _span(current: Node | Block | Body, key_span: Span) -> Span:
    return current.header if isinstance(current, Block) else current.span if isinstance(current, Node) else key_span


def _inside(node: Node | Block | Body, source: str, offset: int, length: int) -> Span:
    """The characters offset … offset+length of a plain quoted text; the whole of anything else."""
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        return _span(node, (1, 1, 1, 1))
    line, column, end_line, end_column = node.span
    written = source.split("\n")[line - 1][column : end_column - 2]
    if line != end_line or source.split("\n")[line - 1][column - 1 : column] != '"':
        return node.span
    offsets = literal_offsets(written)
    first = offsets[min(offset, len(offsets) - 1)]
    last = offsets[min(offset + length, len(offsets) - 1)]
    return line, column + 1 + first, line, column + 1 + last


def join_path(path: Path) -> str:
    """A path as an operator would say it: ``services.api.servers[0].url``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def unread(sources: Mapping[str, str]) -> Document:
    """A document of which nothing but the text is known."""
    return Document(dict(sources))
