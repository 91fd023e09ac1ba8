"""From the text of a rule to its tree; the only importer of lark."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from a3sgw.rule.ast import Match, Node, Not, conjunction, disjunction
from a3sgw.rule.errors import RuleError, nearest
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.shape import Shape, cut
from a3sgw.rule.syntax import explain
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.values import unquote

MAX_DEPTH = 50
"""Parentheses and negations inside each other: compiled rules nest as deep, and the interpreter's stack ends."""

_LONGEST_SHAPE = 2000
"""Longer rules are long lists of hosts; seldom are two of one length, and their shapes would only take memory."""


def parse(rule: str, table: MatcherTable[Any] = HTTP) -> Node:
    """The tree of `rule`, matcher names made canonical and their number of values checked; raises RuleError.

    What a value means (a host, a path, an expression) is checked when the rule is compiled.
    """
    try:
        rule.encode()
    except UnicodeEncodeError as error:
        raise RuleError("the rule is not valid UTF-8", error.start, 1, "Save the file as UTF-8.") from None
    if rule.count("(") + rule.count("!") > MAX_DEPTH:
        _check_depth(rule)
    between, quoted = cut(rule)
    shape = _shape(between, table) if len(rule) <= _LONGEST_SHAPE else None
    try:
        known = shape.fill(quoted) if shape is not None else None
    except RuleError:
        known = None
    return parse_anew(rule, table) if known is None else known


def parse_anew(rule: str, table: MatcherTable[Any]) -> Node:
    """The tree of a rule, nested not too deeply, that looks like no other; raises RuleError."""
    try:
        return cast(Node, _parser(table).parse(rule))
    except UnexpectedInput as error:
        at = error.pos_in_stream
        raise explain(rule, len(rule) if at is None or at < 0 or _at_end(error) else at, table) from None


@lru_cache(maxsize=256)
def _shape(between: tuple[str, ...], table: MatcherTable[Any]) -> Shape | None:
    """Reading a rule takes ten times as long as filling in a shape; None when `between` is no part of a rule."""
    try:
        return Shape(between, lambda rule: parse_anew(rule, table))
    except RuleError:
        return None


def _at_end(error: UnexpectedInput) -> bool:
    token = getattr(error, "token", None)
    return isinstance(token, Token) and token.type == "$END"


@lru_cache(maxsize=2)
def _parser(table: MatcherTable[Any]) -> Lark:
    """Built once per process and kind of rule: reading the grammar takes a hundred times as long as a rule."""
    grammar = files("a3sgw.rule").joinpath("rule.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="rule", parser="lalr", lexer="contextual", transformer=_Builder(table))


class _Builder(Transformer[Token, Node]):
    """Lark calls the method named after a grammar rule while parsing, so no syntax tree is ever built."""

    def __init__(self, table: MatcherTable[Any]) -> None:
        super().__init__()
        self._table = table

    def disjunction(self, nodes: list[Node]) -> Node:
        return disjunction(tuple(nodes))

    def conjunction(self, nodes: list[Node]) -> Node:
        return conjunction(tuple(nodes))

    def negation(self, nodes: list[Node]) -> Node:
        return Not(nodes[0])

    def matcher(self, tokens: list[Token]) -> Node:
        name, *quoted = tokens
        offset = name.start_pos or 0
        matcher = self._table.find(name)
        if matcher is None:
            raise unknown_matcher(name, offset, self._table)
        places = tuple([(token.start_pos or 0, len(token)) for token in quoted])
        values = tuple([unquote(token, place[0]) for token, place in zip(quoted, places, strict=True)])
        match = Match(matcher.name, values, offset, len(name), places)
        if len(values) not in matcher.arities or not all(values):
            raise _wrong_values(name, match, matcher.arities, matcher.usage)
        return match


def unknown_matcher(name: str, offset: int, table: MatcherTable[Any]) -> RuleError:
    """The error for a name that `table` does not know, with the nearest one that it does."""
    guess = nearest(name, table.matchers)
    help = f"Did you mean {guess}?" if guess else f"Known are {', '.join(sorted(table.matchers))}."
    return RuleError(f"unknown matcher {name}", offset, len(name), help)


def _wrong_values(name: str, match: Match, arities: tuple[int, ...], usage: str) -> RuleError:
    if len(match.values) in arities:
        place = match.places[match.values.index("")]
        return RuleError(f"empty value for {name}", *place, help=f"Write {usage}.")
    wanted = " or ".join(map(str, arities))
    plural = "" if wanted == "1" else "s"
    summary = f"{name} takes {wanted} value{plural}, not {len(match.values)}"
    help = f"Write {usage}."
    if len(match.values) > max(arities) == 1:
        help = f"Write {name}(`…`) || {name}(`…`) to allow several."
    return RuleError(summary, match.offset, match.length, help)


def _check_depth(rule: str) -> None:
    """Count open parentheses and negations, outside quotes, the way the grammar nests them."""
    levels: list[int] = []
    depth = negations = at = 0
    while at < len(rule):
        char = rule[at]
        if char in '`"':
            at = _closing_quote(rule, at)
            negations = 0
        elif char == "!":
            negations += 1
        elif char == "(":
            levels.append(1 + negations)
            depth += levels[-1]
            negations = 0
        elif char == ")" and levels:
            depth -= levels.pop()
        if depth + negations > MAX_DEPTH:
            raise RuleError("the rule is nested too deeply", at, 1, f"At most {MAX_DEPTH} levels are possible.")
        at += 1


def _closing_quote(rule: str, at: int) -> int:
    quote = rule[at]
    at += 1
    while at < len(rule) and rule[at] != quote:
        at += 2 if quote == '"' and rule[at] == "\\" else 1
    return at
