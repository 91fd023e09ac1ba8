"""Turns the tree of one top-level item into plain data; whatever has no value is reported and left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from a3sgw.config.evaluate import Evaluator, Surroundings
from a3sgw.config.limits import EvaluationError
from a3sgw.config.nodes import Block, Body, Node, Span, Value
from a3sgw.config.split import Problem

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Reader:
    """Collects what goes wrong; `broken` holds the paths that were written but have no value."""

    surroundings: Surroundings
    problems: list[Problem] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    def body(self, body: Body, path: Path) -> dict[str, Value]:
        """The data of a body: assignments by name, blocks by type (one as an object, several as a list)."""
        data: dict[str, Value] = {}
        first: dict[str, Span] = {}
        for assignment in body.assignments:
            name = assignment.name
            if name in first:
                self._twice(assignment.name_span, name, first[name], path)
                continue
            first[name] = assignment.name_span
            value = self.value(assignment.value, (*path, name))
            if value is not None:
                data[name] = value
        for block in body.blocks:
            self._block(block, data, first, path)
        return data

    def value(self, node: Node, path: Path) -> Value:
        """The value of an expression without its nulls, or None with a problem reported."""
        try:
            return without_nulls(Evaluator(self.surroundings).evaluate(node))
        except EvaluationError as error:
            if error.problem.summary:  # empty: an error in a local, reported where that is defined
                self.problems.append(error.problem)
            self.broken.append(path)
            return None

    def _block(self, block: Block, data: dict[str, Value], first: dict[str, Span], path: Path) -> None:
        if block.labels:
            self.problems.append(
                Problem(
                    block.header, f'"{block.type}" takes no name here', f"write {block.type} {{ … }} without the name"
                )
            )
        here = (*path, block.type)
        existing = data.get(block.type)
        if block.type not in first:
            first[block.type] = block.header
            data[block.type] = self.body(block.body, here)
        elif isinstance(existing, dict):
            data[block.type] = [existing, self.body(block.body, (*here, 1))]
        elif isinstance(existing, list) and all(isinstance(one, dict) for one in existing):
            existing.append(self.body(block.body, (*here, len(existing))))
        else:
            self._twice(block.header, block.type, first[block.type], path)

    def _twice(self, span: Span, name: str, first: Span, path: Path) -> None:
        # The line is made absolute by the one who knows where this piece begins: {line:+} is its shift.
        self.problems.append(Problem(span, f'"{name}" is set twice', f"keep one; the first is \x00{first[0]}\x00"))
        self.broken.append((*path, name))


def without_nulls(value: Value) -> Value:
    """A key set to null is a key that was not written, as everywhere in HCL."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value
