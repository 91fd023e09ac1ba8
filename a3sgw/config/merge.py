"""Brings the items of several files together; a name that is used twice is a finding that names both places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from a3sgw.config.cache import Block, BlockCache
from a3sgw.config.document import Document, Origin, Path, place_of
from a3sgw.config.evaluate import Evaluator, Surroundings
from a3sgw.config.limits import EvaluationError, ValueProblem
from a3sgw.config.model import Config
from a3sgw.config.nearest import did_you_mean
from a3sgw.config.nodes import Assignment, Body, Node, Value
from a3sgw.config.nodes import Block as BlockNode
from a3sgw.config.read import Reader
from a3sgw.config.split import Chunk, Problem, split
from a3sgw.diagnostic import Diagnostic, Place

NAMED = ("entrypoints", "routers", "services", "middlewares")
_SETTINGS = tuple(name for name in Config.model_fields if name not in NAMED)
_WHOLE = Chunk("", 1)
_SECOND = re.compile("\x00(\\d+)\x00")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name as shown to the operator, its text, and where its relative paths begin."""

    name: str
    text: str
    directory: FilePath


@dataclass(slots=True)
class Item:
    """One named or top-level thing: its data and the block it came from (None when it may differ next time)."""

    data: Value
    block: Block | None


@dataclass
class Merged:
    """What the files say together, before it is validated."""

    environment: Mapping[str, str]
    cache: BlockCache
    document: Document = field(default_factory=Document)
    items: dict[Path, Item] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    _blocks: dict[str, list[tuple[Origin, Block]]] = field(default_factory=dict)

    def add(self, source: Source, scope: Locals) -> None:
        """Take in one file and give its locals to `scope`; `read()` comes when all files of that scope are in."""
        self.document.sources[source.name] = source.text
        chunks, problems = split(source.text)
        self.diagnostics += (_diagnostic(Origin(source.name, _WHOLE), problem) for problem in problems)
        found: list[tuple[Origin, Block]] = []
        for chunk in chunks:
            if not chunk.sound:
                continue
            origin, block = Origin(source.name, chunk), self.cache.get(chunk.text)
            if isinstance(block.tree, Problem):
                self.diagnostics.append(_diagnostic(origin, block.tree))
            else:
                self.document.trees[chunk.text] = block.tree
                found.append((origin, block))
        for origin, block in found:
            assert isinstance(block.tree, Body)
            scope.collect(origin, block.tree)
        self._blocks[source.name] = found

    def read(self, source: Source, scope: Locals) -> None:
        """Evaluate the items of one file that was added."""
        for origin, block in self._blocks[source.name]:
            assert isinstance(block.tree, Body)
            for assignment in block.tree.assignments:
                self._assignment(assignment, origin, block, scope)
            for node in block.tree.blocks:
                if node.type != "locals":
                    self._block(node, origin, block, scope)

    # Top-level items

    def _assignment(self, assignment: Assignment, origin: Origin, block: Block, scope: Locals) -> None:
        reader = scope.reader()
        data = reader.value(assignment.value, (assignment.name,))
        self._report(reader, origin)
        if assignment.name in NAMED and isinstance(data, dict):
            self._spread(assignment.name, data, origin, place_of(origin, assignment.name_span))
        elif data is not None:
            self._put((assignment.name,), Item(data, None), origin, place_of(origin, assignment.name_span))

    def _block(self, node: BlockNode, origin: Origin, block: Block, scope: Locals) -> None:
        path: Path = (node.type, *node.labels)
        place = place_of(origin, node.header)
        wanted = 1 if node.type in NAMED else 0
        if node.type not in (*NAMED, *_SETTINGS):
            self._put((node.type,), Item({}, None), origin, place)
            return
        if len(node.labels) > wanted:
            message = f"{node.type} takes {'one name' if wanted else 'no name'}"
            self.error(place, message, f"write {node.type} {chr(34) + 'name' + chr(34) + ' ' if wanted else ''}{{ … }}")
            return
        data = self._data(node, origin, block, scope, path)
        if wanted and not node.labels:
            self._spread(node.type, data, origin, place)
        else:
            self._put(path, Item(data, block if block.constant else None), origin, place)

    def _data(self, node: BlockNode, origin: Origin, block: Block, scope: Locals, path: Path) -> dict[str, Value]:
        if block.constant and block.data is not None:
            return block.data
        reader = scope.reader()
        data = reader.body(node.body, path)
        self._report(reader, origin)
        if block.constant and not reader.problems:
            block.data = data
        return data

    def _spread(self, kind: str, data: dict[str, Value], origin: Origin, place: Place) -> None:
        for name, value in data.items():
            self._put((kind, name), Item(value, None), origin, place)

    def _put(self, path: Path, item: Item, origin: Origin, place: Place) -> None:
        if path not in self.document.origins:
            self.document.origins[path] = origin
            self.items[path] = item
            return
        first = self.document.place(path, key=True)
        what = f'{path[0]} "{path[1]}"' if len(path) == 2 else f'"{path[0]}"'
        self.error(place, f"{what} is defined twice", f"rename or remove one; the first is at {first}")

    # Findings

    def _report(self, reader: Reader, origin: Origin) -> None:
        self.diagnostics += (_diagnostic(origin, problem) for problem in reader.problems)
        self.broken += reader.broken

    def error(self, place: Place, summary: str, help: str = "") -> None:
        """Report something at a place."""
        self.diagnostics.append(Diagnostic("error", place, summary, help))


@dataclass
class Locals:
    """The locals of one set of files, computed when first asked for, in any order."""

    merged: Merged
    directory: FilePath
    outer: Locals | None = None
    _nodes: dict[str, tuple[Origin, Node, Place]] = field(default_factory=dict)
    _values: dict[str, Value] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _running: list[str] = field(default_factory=list)

    def collect(self, origin: Origin, body: Body) -> None:
        """Take over what the `locals` blocks of a piece say."""
        for block in body.blocks:
            if block.type != "locals":
                continue
            if block.labels:
                self.merged.error(place_of(origin, block.header), "locals takes no name", "write locals { … }")
            for nested in block.body.blocks:
                self.merged.error(
                    place_of(origin, nested.header),
                    f'locals holds values, not the block "{nested.type}"',
                    f"write {nested.type} = {{ … }}",
                )
            for assignment in block.body.assignments:
                place = place_of(origin, assignment.name_span)
                if assignment.name in self._nodes:
                    first = self._nodes[assignment.name][2]
                    self.merged.error(
                        place, f'the local "{assignment.name}" is defined twice', f"the first is at {first}"
                    )
                else:
                    self._nodes[assignment.name] = (origin, assignment.value, place)

    def reader(self) -> Reader:
        return Reader(self.surroundings())

    def surroundings(self) -> Surroundings:
        return Surroundings(self.merged.environment, self.directory, self.value)

    def names(self) -> set[str]:
        return set(self._nodes) | (self.outer.names() if self.outer else set())

    def value(self, name: str) -> Value:
        """The value of a local; raises ValueProblem for none or a circle, an empty one when its error is known."""
        if name in self._values:
            return self._values[name]
        if name not in self._nodes:
            if self.outer is not None:
                return self.outer.value(name)
            raise ValueProblem(f'there is no local "{name}"', did_you_mean(name, self.names(), "locals"))
        if name in self._running:
            circle = " → ".join([*self._running[self._running.index(name) :], name])
            raise ValueProblem(f"these locals need each other: {circle}", "break the circle")
        if name in self._failed:
            raise ValueProblem("")
        self._running.append(name)
        try:
            self._values[name] = Evaluator(self.surroundings()).evaluate(self._nodes[name][1])
        except EvaluationError as error:
            self._failed.add(name)
            if error.problem.summary:
                self.merged.diagnostics.append(_diagnostic(self._nodes[name][0], error.problem))
            raise ValueProblem("") from None
        finally:
            self._running.pop()
        return self._values[name]

    def finish(self) -> None:
        """Compute those nobody asked for, so that their errors are known too."""
        for name in self._nodes:
            if name not in self._values and name not in self._failed:
                try:
                    self.value(name)
                except ValueProblem:
                    continue  # value() has reported it where it is defined


def _diagnostic(origin: Origin, problem: Problem) -> Diagnostic:
    shift = origin.chunk.line - 1
    help = _SECOND.sub(lambda match: f"on line {int(match[1]) + shift}", problem.help)
    return Diagnostic("error", place_of(origin, problem.span), problem.summary, help)


def data_of(items: Mapping[Path, Item], kind: str) -> dict[str, Any]:
    """The named items of one kind, in the order written."""
    return {str(path[1]): item for path, item in items.items() if len(path) == 2 and path[0] == kind}
