"""Computes the value of an expression: locals, environment, files, functions, templates; errors carry their span."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from a3sgw.config import nodes
from a3sgw.config.functions import FUNCTIONS, call
from a3sgw.config.limits import LONGEST_TEXT, Budget, EvaluationError, ValueProblem
from a3sgw.config.nearest import did_you_mean, nearest
from a3sgw.config.nodes import Node, Value
from a3sgw.config.operators import BINARY, boolean, kind, number, text

_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What expressions may look at: the environment, the directory of their file, and the locals."""

    environment: Mapping[str, str]
    directory: Path
    local: Callable[[str], Value]
    """The value of a local; raises ValueProblem when there is none or it cannot be computed."""


@dataclass(slots=True)
class Evaluator:
    """Evaluates one value; make one per value, so that each has its own budget."""

    surroundings: Surroundings
    budget: Budget = field(default_factory=Budget)

    def evaluate(self, node: Node) -> Value:
        """The value of a node; raises EvaluationError and nothing else."""
        try:
            return self.budget.check(self._value(node, _NOTHING, False))
        except ValueProblem as problem:
            raise EvaluationError(node.span, problem.summary, problem.help) from None
        except RecursionError:
            raise EvaluationError(node.span, "this is too complex to compute", "split it with locals") from None

    def _at(self, node: Node, compute: Callable[[], Value]) -> Value:
        try:
            return compute()
        except ValueProblem as problem:
            raise EvaluationError(node.span, problem.summary, problem.help) from None

    def _value(self, node: Node, scope: Mapping[str, Value], in_template: bool) -> Value:
        if isinstance(node, nodes.Literal):
            return node.value
        try:
            self.budget.spend()
            return _VISITORS[type(node)](self, node, scope, in_template)
        except ValueProblem as problem:
            raise EvaluationError(node.span, problem.summary, problem.help) from None

    # Names

    def _name(self, node: nodes.Name, scope: Mapping[str, Value], in_template: bool) -> Value:
        if node.name in scope:
            return scope[node.name]
        if in_template:
            return self._environment(node.name)
        if node.name == "local":
            raise ValueProblem("local is not a value itself", "write local.name")
        raise ValueProblem(
            f'unknown name "{node.name}"', f'write "{node.name}" for a text, "${{{node.name}}}" for the environment'
        )

    def _environment(self, name: str) -> str:
        environment = self.surroundings.environment
        if name in environment:
            return environment[name]
        similar = nearest(name, environment) if len(name) > 3 else ""
        raise ValueProblem(
            f"the environment variable {name} is not set",
            f'did you mean "{similar}"?' if similar else f'set it, or write env("{name}", "default")',
        )

    def _attribute(self, node: nodes.Attribute, scope: Mapping[str, Value], in_template: bool) -> Value:
        if isinstance(node.target, nodes.Name) and node.target.name == "local" and "local" not in scope:
            return self.surroundings.local(node.name)
        return self._member(self._value(node.target, scope, in_template), node.name)

    def _index(self, node: nodes.Index, scope: Mapping[str, Value], in_template: bool) -> Value:
        target = self._value(node.target, scope, in_template)
        return self._member(target, self._value(node.key, scope, in_template))

    def _member(self, target: Value, key: Value) -> Value:
        if isinstance(target, dict):
            name = text(key)
            if name in target:
                return target[name]
            raise ValueProblem(f'there is no "{name[:60]}" here', did_you_mean(name, target))
        if isinstance(target, list):
            position = number(key)
            if isinstance(position, int) and 0 <= position < len(target):
                return target[position]
            raise ValueProblem(f"the list has {len(target)} values; there is none at {position}")
        raise ValueProblem(f"{kind(target)} has nothing inside")

    def _splat(self, node: nodes.Splat, scope: Mapping[str, Value], in_template: bool) -> Value:
        target = self._value(node.target, scope, in_template)
        items = target if isinstance(target, list) else [] if target is None else [target]
        return [self._value(node.each, {**scope, "*": item}, in_template) for item in items]

    # Groups

    def _list(self, node: nodes.ListNode, scope: Mapping[str, Value], in_template: bool) -> Value:
        return [self._value(item, scope, in_template) for item in node.items]

    def _object(self, node: nodes.ObjectNode, scope: Mapping[str, Value], in_template: bool) -> Value:
        result: dict[str, Value] = {}
        for key, value in node.items:
            name = self._at(key, lambda key=key: text(self._value(key, scope, in_template)))  # type: ignore[misc]
            if name in result:
                raise EvaluationError(key.span, f'"{name}" is written twice here', "keep one of them")
            result[str(name)] = self._value(value, scope, in_template)
        return result

    def _for_each(self, node: nodes.ForEach, scope: Mapping[str, Value], in_template: bool) -> Value:
        items: list[Value] = []
        pairs: dict[str, Value] = {}
        for inner in self._bindings(node.names, node.collection, scope, in_template):
            if node.condition is not None and not self._boolean(node.condition, inner, in_template):
                continue
            value = self._value(node.value, inner, in_template)
            if node.key is None:
                items.append(value)
                continue
            key = text(self._value(node.key, inner, in_template))
            if node.group:
                group = pairs.setdefault(key, [])
                assert isinstance(group, list)
                group.append(value)
            elif key in pairs:
                raise EvaluationError(
                    node.key.span, f'"{key[:60]}" occurs twice', "end the value with ... to group them"
                )
            else:
                pairs[key] = value
        return items if node.key is None else pairs

    def _bindings(
        self, names: tuple[str, ...], collection: Node, scope: Mapping[str, Value], in_template: bool
    ) -> Iterator[Mapping[str, Value]]:
        items = self._value(collection, scope, in_template)
        if not isinstance(items, list | dict):
            raise EvaluationError(collection.span, f"a list or an object is needed here, not {kind(items)}")
        for key, value in items.items() if isinstance(items, dict) else enumerate(items):
            self.budget.spend(1 + len(scope))
            yield {**scope, **dict(zip(names, (key, value) if len(names) == 2 else (value,), strict=True))}

    # Operators

    def _boolean(self, node: Node, scope: Mapping[str, Value], in_template: bool) -> bool:
        return bool(self._at(node, lambda: boolean(self._value(node, scope, in_template))))

    def _unary(self, node: nodes.Unary, scope: Mapping[str, Value], in_template: bool) -> Value:
        if node.operator == "!":
            return not self._boolean(node.operand, scope, in_template)
        operand = self._value(node.operand, scope, in_template)
        return -number(operand)

    def _binary(self, node: nodes.Binary, scope: Mapping[str, Value], in_template: bool) -> Value:
        if node.operator in ("&&", "||"):
            left = self._boolean(node.left, scope, in_template)
            if left == (node.operator == "||"):
                return left
            return self._boolean(node.right, scope, in_template)
        first, second = self._value(node.left, scope, in_template), self._value(node.right, scope, in_template)
        if node.operator in ("==", "!="):
            self.budget.check(first)
        return BINARY[node.operator](first, second)

    def _conditional(self, node: nodes.Conditional, scope: Mapping[str, Value], in_template: bool) -> Value:
        chosen = node.then if self._boolean(node.condition, scope, in_template) else node.otherwise
        return self._value(chosen, scope, in_template)

    # Functions

    def _call(self, node: nodes.Call, scope: Mapping[str, Value], in_template: bool) -> Value:
        arguments = [self._value(argument, scope, in_template) for argument in node.arguments]
        if node.expand:
            last = arguments.pop()
            if not isinstance(last, list):
                raise ValueProblem(f"... needs a list before it, not {kind(last)}")
            arguments += last
        for argument in arguments:
            self.budget.check(argument)
        if node.name == "env":
            return self._env(arguments)
        if node.name == "file":
            return self._file(arguments)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise ValueProblem(f"unknown function {node.name}()", did_you_mean(node.name, (*FUNCTIONS, "env", "file")))
        return self.budget.check(call(node.name, function, arguments))

    def _env(self, arguments: list[Value]) -> Value:
        if not 1 <= len(arguments) <= 2 or not isinstance(arguments[0], str):
            raise ValueProblem(
                "env() takes a name and perhaps a default", 'write env("NAME") or env("NAME", "default")'
            )
        if len(arguments) == 2 and arguments[0] not in self.surroundings.environment:
            return arguments[1]
        return self._environment(arguments[0])

    def _file(self, arguments: list[Value]) -> Value:
        if len(arguments) != 1 or not isinstance(arguments[0], str):
            raise ValueProblem("file() takes one path", 'write file("/run/secrets/name")')
        return read_file(self.surroundings.directory, arguments[0])

    # Templates

    def _template(self, node: nodes.Template, scope: Mapping[str, Value], in_template: bool) -> Value:
        if len(node.parts) == 1 and not isinstance(node.parts[0], nodes.TemplateIf | nodes.TemplateFor):
            return self._value(node.parts[0], scope, True)
        return self._parts(node.parts, scope)

    def _parts(self, parts: tuple[Node, ...], scope: Mapping[str, Value]) -> str:
        pieces: list[str] = []
        size = 0
        for part in parts:
            piece = str(self._at(part, lambda part=part: text(self._value(part, scope, True))))  # type: ignore[misc]
            size += len(piece)
            self.budget.spend(1 + len(piece) // 64)
            if size > LONGEST_TEXT:
                raise ValueProblem(f"this text is longer than {LONGEST_TEXT} characters")
            pieces.append(piece)
        return "".join(pieces)

    def _template_if(self, node: nodes.TemplateIf, scope: Mapping[str, Value], in_template: bool) -> Value:
        return self._parts(node.then if self._boolean(node.condition, scope, True) else node.otherwise, scope)

    def _template_for(self, node: nodes.TemplateFor, scope: Mapping[str, Value], in_template: bool) -> Value:
        pieces: list[str] = []
        size = 0
        for inner in self._bindings(node.names, node.collection, scope, True):
            pieces.append(self._parts(node.body, inner))
            size += len(pieces[-1])
            if size > LONGEST_TEXT:
                raise ValueProblem(f"this text is longer than {LONGEST_TEXT} characters")
        return "".join(pieces)


_VISITORS: Mapping[type[Node], Callable[..., Value]] = MappingProxyType(
    {
        nodes.Name: Evaluator._name,
        nodes.Attribute: Evaluator._attribute,
        nodes.Index: Evaluator._index,
        nodes.Splat: Evaluator._splat,
        nodes.ListNode: Evaluator._list,
        nodes.ObjectNode: Evaluator._object,
        nodes.ForEach: Evaluator._for_each,
        nodes.Unary: Evaluator._unary,
        nodes.Binary: Evaluator._binary,
        nodes.Conditional: Evaluator._conditional,
        nodes.Call: Evaluator._call,
        nodes.Template: Evaluator._template,
        nodes.TemplateIf: Evaluator._template_if,
        nodes.TemplateFor: Evaluator._template_for,
    }
)


def read_file(directory: Path, name: str) -> str:
    """The text of a regular file, relative to `directory`, without one final newline; raises ValueProblem."""
    path = directory / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueProblem(f"{name} is not a regular file")
        with path.open("rb") as opened:
            data = opened.read(LONGEST_TEXT + 1)
        content = data.decode()
    except OSError as error:
        raise ValueProblem(
            f"cannot read {name}: {(error.strerror or str(error)).lower()}", "check the path and its permissions"
        ) from None
    except ValueError:
        raise ValueProblem(f"{name} is not UTF-8 text") from None
    if len(data) > LONGEST_TEXT:
        raise ValueProblem(f"{name} is larger than {LONGEST_TEXT} bytes")
    return content.removesuffix("\n").removesuffix("\r") if content.endswith("\r\n") else content.removesuffix("\n")
