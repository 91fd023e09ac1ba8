"""Turns one piece of HCL into our nodes: the only module that knows python-hcl2, and the translator of its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import hcl2

from a3sgw.config import nodes
from a3sgw.config.nodes import Assignment, Block, Body, Literal, Name, Node, Span
from a3sgw.config.split import DEEPEST, Problem
from a3sgw.config.template import Source, TemplateError, read_template

_HEREDOC = re.compile(r"<<(-?)([A-Za-z][A-Za-z0-9._-]*)\r?\n(.*)", re.DOTALL)
_WORD = re.compile(r'[\w.-]+|"[^"\n]*"?|\S')
_COMPLEX = Problem((1, 1, 1, 2), "this is too complex to read", "split the expression with locals")
_VALUE_START = {"INT_LITERAL", "LPAR", "DBLQUOTE"}


def parse(text: str) -> Body | Problem:
    """The tree of some whole lines of HCL, or the first thing wrong with them (spans relative to the text)."""
    return _parse(text, _Converter(text))


def _parse(text: str, converter: _Converter) -> Body | Problem:
    try:
        return converter.body(hcl2.parses(text, discard_comments=True).body)
    except TemplateError as error:
        return error.problem
    except RecursionError:
        return _COMPLEX
    except Exception as error:
        # Whatever the library raises, an operator gets a place and a sentence.
        return _translate(text, error)


def _parse_expression(text: str, line: int, column: int) -> Node:
    """The node of an expression that stands at line and column; raises TemplateError."""
    # Padding puts every token where it really stands, so that spans need no shifting ("${" leaves room for "x=").
    brackets = ("(", ")") if "\n" in text and column > 3 else ("", "")
    lead = f"x={brackets[0]}"
    padded = "\n" * (line - 1) + " " * (column - 1 - len(lead)) + lead + text + brackets[1]
    result = _parse(padded, _Converter(padded))
    if isinstance(result, Problem):
        raise TemplateError(result.span, result.summary, result.help)
    if len(result.assignments) != 1 or result.blocks:
        raise TemplateError((line, column, line, column + len(text)), "this is not one expression")
    return result.assignments[0].value


# Errors


def _translate(text: str, error: Exception) -> Problem:
    meta = getattr(getattr(error, "obj", None), "meta", None)
    if "nterminated" in str(error) and meta is not None:
        span = (meta.line, meta.column, meta.end_line, meta.end_column)
        return Problem(span, "a directive in this text is never ended", 'add "%{ endif }" or "%{ endfor }"')
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    if not isinstance(line, int) or not isinstance(column, int) or line < 1:
        return Problem(
            (1, 1, 1, 2), "this cannot be read as HCL", "compare it with the examples in docs/configuration.md"
        )
    lines = text.rstrip("\n").split("\n")
    if line > len(lines) or (getattr(getattr(error, "token", None), "type", "") == "$END"):
        line, column = len(lines), len(lines[-1]) + 1
    here = lines[line - 1]
    match = _WORD.match(here, column - 1)
    word = match.group() if match else ""
    expected = set(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    summary, help = _words(word, expected, here[: column - 1])
    return Problem((line, column, line, column + max(len(word), 1)), summary, help)


def _words(word: str, expected: set[str], before: str) -> tuple[str, str]:
    found = (
        f"unexpected {word if word.startswith(chr(34)) else chr(34) + word + chr(34)}" if word else "the line ends here"
    )
    if "'" in word:
        return "single quotes do not quote in HCL", 'use double quotes: "text"'
    if expected >= _VALUE_START:
        if before.rstrip().endswith("="):
            name = before.rstrip("= \t").split()[-1:] or [""]
            return (
                f"{found}, but {name[0]} needs a value",
                f'write {name[0]} = "text", a number, true, a list or an object',
            )
        return f"{found} where a value should stand", "write a text in quotes, a number, a name, a list or an object"
    if {"EQ", "LBRACE"} <= expected or ("LBRACE" in expected and before.strip().isidentifier()):
        return f"{found} after a name", 'write "=" and a value, or "{" and a block'
    if "LBRACE" in expected:
        return f"{found} in the head of a block", 'write "{" on the same line'
    if {"COMMA", "RSQB"} <= expected:
        return f"{found} inside a list", 'write "," between values and "]" at the end'
    if {"RBRACE", "NL_OR_COMMENT"} <= expected and "NAME" in expected:
        return f"{found} after a value", "write each key on a line of its own"
    if "RBRACE" in expected:
        return f"{found} inside braces", 'write "}" at the end, and one key per line'
    if "RPAR" in expected:
        return f"{found} inside parentheses", 'write ")" at the end'
    return found, "compare it with the examples in docs/configuration.md"


# Conversion


class _Converter:
    """Walks the library's tree; `text` gives the source of strings, whose content the template reader reads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._depth = 0

    # Bodies

    def body(self, rule: Any) -> Body:
        assignments: list[Assignment] = []
        blocks: list[Block] = []
        for child in rule.children:
            kind = child.lark_name()
            if kind == "attribute":
                name = str(child.identifier.children[0])
                assignments.append(Assignment(name, _span(child.identifier), self.node(child.expression)))
            elif kind == "block":
                blocks.append(self._block(child))
        return Body(tuple(assignments), tuple(blocks))

    def _block(self, rule: Any) -> Block:
        type_rule, *labels = rule.labels
        last = _span(rule.labels[-1])
        start = _span(type_rule)
        return Block(
            str(type_rule.children[0]),
            tuple(self._label(label) for label in labels),
            (start[0], start[1], last[2], last[3]),
            self.body(rule.body),
        )

    def _label(self, rule: Any) -> str:
        if rule.lark_name() == "identifier":
            return str(rule.children[0])
        node = self._string(rule)
        if isinstance(node, Literal):
            return str(node.value)
        raise TemplateError(node.span, "a label cannot be filled in", "write the name itself")

    # Expressions

    def node(self, rule: Any) -> Node:
        self._depth += 1
        try:
            if self._depth > DEEPEST * 2:
                raise TemplateError(_span(rule), _COMPLEX.summary, _COMPLEX.help)
            convert = _CONVERTERS.get(rule.lark_name())
            if convert is None:
                raise TemplateError(_span(rule), "this kind of expression is not supported")
            return convert(self, rule)
        finally:
            self._depth -= 1

    def _term(self, rule: Any) -> Node:
        return self.node(rule.expression)

    def _identifier(self, rule: Any) -> Node:
        return Name(_span(rule), str(rule.children[0]))

    def _keyword(self, rule: Any) -> Node:
        return Literal(_span(rule), {"true": True, "false": False, "null": None}[str(rule.children[0])])

    def _number(self, rule: Any) -> Node:
        source = str(rule.children[0])
        value: float = float(source)
        if not abs(value) < 1e300:
            raise TemplateError(_span(rule), "this number is too large")
        return Literal(_span(rule), int(source) if rule.lark_name() == "int_lit" else _whole(value))

    def _string(self, rule: Any) -> Node:
        meta = rule._meta
        span = _span(rule)
        source = Source(self.text[meta.start_pos + 1 : meta.end_pos - 1], span[0], span[1] + 1)
        if "\n" in source.text and "${" not in source.text and "%{" not in source.text:
            raise TemplateError(
                span, "a string ends on the line where it begins", "use a heredoc (<<-END) for more lines"
            )
        return read_template(source, span, _parse_expression, escapes=True)

    def _escaped_string(self, rule: Any) -> Node:
        return Literal(_span(rule), str(rule.children[0].value)[2:-2])

    def _heredoc(self, rule: Any) -> Node:
        meta, span = rule._meta, _span(rule)
        match = _HEREDOC.match(self.text[meta.start_pos : meta.end_pos])
        assert match is not None
        dedent, marker, rest = match.groups()
        body = rest[: rest.rstrip().rfind(marker)].rstrip(" \t")
        if dedent:
            body, shift = _dedent(body)
        else:
            shift = 0
        return read_template(Source(body, span[0] + 1, 1 + shift), span, _parse_expression, escapes=False)

    def _tuple(self, rule: Any) -> Node:
        return nodes.ListNode(_span(rule), tuple(self.node(element) for element in rule.elements))

    def _object(self, rule: Any) -> Node:
        return nodes.ObjectNode(
            _span(rule), tuple((self._key(element.key), self.node(element.expression)) for element in rule.elements)
        )

    def _key(self, rule: Any) -> Node:
        inner = rule.children[0]
        if inner.lark_name() == "identifier":
            return Literal(_span(rule), str(inner.children[0]))
        return self.node(inner)

    def _call(self, rule: Any) -> Node:
        children = [child for child in rule.children if child is not None]
        names = [str(child.children[0]) for child in children if child.lark_name() == "identifier"]
        arguments = next((child for child in children if child.lark_name() == "arguments"), None)
        given = [child for child in arguments.children if child is not None] if arguments else []
        expand = any(child.lark_name() == "ELLIPSIS" for child in given)
        values = tuple(self.node(child) for child in given if child.lark_name() in _CONVERTERS)
        return nodes.Call(_span(rule), "::".join(names), values, expand)

    def _index(self, rule: Any) -> Node:
        return self._step(self.node(rule.children[0]), rule.children[1])

    def _step(self, target: Node, step: Any) -> Node:
        here = _span(step)
        span = (target.span[0], target.span[1], here[2], here[3])
        if step.lark_name() == "get_attr":
            return nodes.Attribute(span, target, str(step.identifier.children[0]))
        if step.lark_name() == "short_index":
            return nodes.Index(span, target, Literal(here, int(str(step.index))))
        return nodes.Index(span, target, self.node(step.index_expression))

    def _full_splat(self, rule: Any) -> Node:
        target, splat = self.node(rule.children[0]), rule.children[1]
        each: Node = Name(_span(splat), "*")
        for step in splat.children[1:]:
            each = self._step(each, step)
        return nodes.Splat(_span(rule), target, each)

    def _attribute_splat(self, rule: Any) -> Node:
        target, splat = self.node(rule.children[0]), rule.children[1]
        each: Node = Name(_span(splat), "*")
        steps = list(splat.children[1:])
        while steps and steps[0].lark_name() == "get_attr":
            each = self._step(each, steps.pop(0))
        result: Node = nodes.Splat(_span(rule), target, each)
        # In a.*.b[0] the index is applied to the whole result (HCL specification, "Splat Operators").
        for step in steps:
            result = self._step(result, step)
        return result

    def _unary(self, rule: Any) -> Node:
        return nodes.Unary(_span(rule), rule.operator.strip(), self.node(rule.expr_term))

    def _binary(self, rule: Any) -> Node:
        left, right = self.node(rule.expr_term), self.node(rule.binary_term.expr_term)
        operator = str(rule.binary_term.binary_operator.children[0]).strip()
        return nodes.Binary((*left.span[:2], *right.span[2:]), operator, left, right)

    def _conditional(self, rule: Any) -> Node:
        return nodes.Conditional(
            _span(rule), self.node(rule.condition), self.node(rule.if_true), self.node(rule.if_false)
        )

    def _for_tuple(self, rule: Any) -> Node:
        names, collection = self._intro(rule.for_intro)
        condition = self.node(rule.condition.condition_expr) if rule.condition else None
        return nodes.ForEach(_span(rule), names, collection, None, self.node(rule.value_expr), condition, False)

    def _for_object(self, rule: Any) -> Node:
        names, collection = self._intro(rule.for_intro)
        condition = self.node(rule.condition.condition_expr) if rule.condition else None
        key, value = self.node(rule.key_expr), self.node(rule.value_expr)
        group = any(child is not None and child.lark_name() == "ELLIPSIS" for child in rule.children)
        return nodes.ForEach(_span(rule), names, collection, key, value, condition, group)

    def _intro(self, rule: Any) -> tuple[tuple[str, ...], Node]:
        iterators = [iterator for iterator in (rule.first_iterator, rule.second_iterator) if iterator is not None]
        return tuple(str(iterator.children[0]) for iterator in iterators), self.node(rule.iterable)


_CONVERTERS: Mapping[str, Callable[[_Converter, Any], Node]] = MappingProxyType(
    {
        "expr_term": _Converter._term,
        "identifier": _Converter._identifier,
        "literal_value": _Converter._keyword,
        "int_lit": _Converter._number,
        "float_lit": _Converter._number,
        "string": _Converter._string,
        "template_string": _Converter._escaped_string,
        "heredoc_template": _Converter._heredoc,
        "heredoc_template_trim": _Converter._heredoc,
        "tuple": _Converter._tuple,
        "object": _Converter._object,
        "function_call": _Converter._call,
        "index_expr_term": _Converter._index,
        "get_attr_expr_term": _Converter._index,
        "attr_splat_expr_term": _Converter._attribute_splat,
        "full_splat_expr_term": _Converter._full_splat,
        "unary_op": _Converter._unary,
        "binary_op": _Converter._binary,
        "conditional": _Converter._conditional,
        "for_tuple_expr": _Converter._for_tuple,
        "for_object_expr": _Converter._for_object,
    }
)


def _span(rule: Any) -> Span:
    meta = rule._meta
    return (meta.line, meta.column, meta.end_line, meta.end_column) if not meta.empty else (1, 1, 1, 1)


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _dedent(body: str) -> tuple[str, int]:
    shift = min((len(line) - len(line.lstrip(" \t")) for line in body.split("\n") if line.strip()), default=0)
    lines = [line[shift:] if line.strip() else line.lstrip(" \t") for line in body.split("\n")]
    return "\n".join(lines), shift
