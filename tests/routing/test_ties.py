"""Equal priorities that could meet."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from a3sgw.http.message import Request
from a3sgw.routing.index import Entry
from a3sgw.routing.ties import ties
from a3sgw.rule.ast import Node
from a3sgw.rule.compile import compile_rule
from a3sgw.rule.parse import parse
from tests.rule.strategies import nodes, requests


def pairs(*rules: str, priority: int = 1) -> list[tuple[int, int]]:
    nodes = map(parse, rules)
    return ties([Entry(node, compile_rule(node), priority, order, None) for order, node in enumerate(nodes)])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(nodes(), st.integers(0, 1)), max_size=12), requests())
def test_no_tie_is_missed(rules: list[tuple[Node, int]], request: Request) -> None:
    """Two entries of equal priority that one request satisfies are always reported."""
    entries = [Entry(node, compile_rule(node), priority, order, None) for order, (node, priority) in enumerate(rules)]
    satisfied = [entry for entry in entries if entry.predicate(request)]
    found = set(ties(entries))
    for one in satisfied:
        for other in satisfied:
            if one.order < other.order and one.priority == other.priority:
                assert (one.order, other.order) in found


def test_what_cannot_meet_is_no_tie() -> None:
    """Other hosts, other paths, other methods, a negation: nothing to report."""
    assert pairs("Host(`a`)", "Host(`b`)", "Host(`*.c`)") == []
    assert pairs("Path(`/a`)", "PathPrefix(`/b`)", "Path(`/a/b`)") == []
    assert pairs("Path(`/`) && Method(`GET`)", "Path(`/`) && Method(`put`)") == []
    assert pairs("Path(`/`) && Header(`a`, `1`)", "Path(`/`) && !Header(`a`, `1`)") == []


def test_what_can_meet() -> None:
    """Equal, nested and wildcard keys overlap."""
    assert pairs("Host(`x.a`)", "Host(`*.a`)", "PathPrefix(`/`)") == [(0, 1), (0, 2), (1, 2)]
    assert pairs("PathPrefix(`/a/b`)", "PathPrefix(`/a`)", "Path(`/a/b/c`)") == [(0, 1), (0, 2), (1, 2)]
    assert pairs("Method(`GET`)", "Header(`a`, `b`)") == [(0, 1)]


def test_limit_and_scale() -> None:
    """Thousands of rules are compared by their keys, and a flood of ties is cut off."""
    started = time.process_time()
    assert pairs(*[f"Host(`h{i}.example`) && PathPrefix(`/p`)" for i in range(3000)]) == []
    assert len(pairs(*["PathPrefix(`/`)"] * 300)) == 1000
    assert time.process_time() - started < 20
