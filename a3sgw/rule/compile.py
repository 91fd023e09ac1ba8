"""From a tree to one flat closure: whatever can be decided about a rule is decided here, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from a3sgw.http.message import Request
from a3sgw.rule.ast import And, Match, Node, Not, Or
from a3sgw.rule.errors import RuleError
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.path_pattern import compile_path_pattern
from a3sgw.rule.table import MatcherTable, Predicate

T = TypeVar("T")
Captures = Callable[[Request], Mapping[str, str]]


def compile_rule(node: Node) -> Predicate[Request]:
    """The predicate of an HTTP rule; when all of it holds, `request.captures` is set. Raises RuleError."""
    holds = compile_node(node, HTTP)
    collect = _collector(node)
    if collect is None:
        return holds

    def capturing(request: Request) -> bool:
        if not holds(request):
            return False
        request.captures = dict(collect(request))
        return True

    return capturing


def compile_node(node: Node, table: MatcherTable[T]) -> Predicate[T]:
    """The predicate of a rule over whatever `table`'s matchers look at; raises RuleError for values they refuse."""
    if isinstance(node, Match):
        return _matcher(node, table)
    if isinstance(node, Not):
        child = compile_node(node.child, table)
        return lambda subject: not child(subject)
    children = tuple(compile_node(child, table) for child in node.children)
    return all_of(children) if isinstance(node, And) else any_of(children)


def _matcher(match: Match, table: MatcherTable[T]) -> Predicate[T]:
    """Matchers with the same values are one object: thousands of rules may have a prefix in common."""
    factory = table[match.name].factory
    try:
        return _made(factory, match.name, match.values)
    except RuleError:
        return factory(match)  # raises again, with the place


@lru_cache(maxsize=1024)
def _made(factory: Callable[[Match], Predicate[T]], name: str, values: tuple[str, ...]) -> Predicate[T]:
    return factory(Match(name, values, 0, 0, ((0, 0),) * len(values)))


def all_of(predicates: tuple[Predicate[T], ...]) -> Predicate[T]:
    """One predicate that holds when all of one or more do; two and three need no loop."""
    if len(predicates) == 1:
        return predicates[0]
    if len(predicates) == 2:
        a, b = predicates
        return lambda subject: a(subject) and b(subject)
    if len(predicates) == 3:
        a, b, c = predicates
        return lambda subject: a(subject) and b(subject) and c(subject)

    def every(subject: T) -> bool:
        for predicate in predicates:  # noqa: SIM110 — a generator would cost a frame per request
            if not predicate(subject):
                return False
        return True

    return every


def any_of(predicates: tuple[Predicate[T], ...]) -> Predicate[T]:
    """One predicate that holds when at least one of one or more does."""
    if len(predicates) == 1:
        return predicates[0]
    if len(predicates) == 2:
        a, b = predicates
        return lambda subject: a(subject) or b(subject)
    if len(predicates) == 3:
        a, b, c = predicates
        return lambda subject: a(subject) or b(subject) or c(subject)

    def some(subject: T) -> bool:
        for predicate in predicates:  # noqa: SIM110 — as above
            if predicate(subject):
                return True
        return False

    return some


def captures(node: Node) -> bool:
    """Whether a rule fills `request.captures`: it has a PathPattern that is not negated."""
    if isinstance(node, Match):
        return node.name == "PathPattern"
    return not isinstance(node, Not) and any(map(captures, node.children))


def _collector(node: Node) -> Captures | None:
    """What the patterns of a rule that holds have captured; None when there are none."""
    if not captures(node):
        return None
    if isinstance(node, Match):
        pattern = compile_path_pattern(node)
        return lambda request: pattern.captures(request.path)
    if isinstance(node, And):
        collectors = [collect for collect in map(_collector, node.children) if collect is not None]
        return lambda request: {name: value for collect in collectors for name, value in collect(request).items()}
    assert isinstance(node, Or)
    branches = [(compile_node(child, HTTP), _collector(child)) for child in node.children]
    return lambda request: _first_branch(branches, request)


def _first_branch(branches: list[tuple[Predicate[Request], Captures | None]], request: Request) -> Mapping[str, str]:
    """The captures of the first alternative that holds, in the order written."""
    for holds, collect in branches:
        if holds(request):
            return collect(request) if collect else {}
    return {}
