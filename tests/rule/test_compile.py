"""Trees to closures."""

from __future__ import annotations

import pytest
from hypothesis import given

from a3sgw.http.message import Request
from a3sgw.rule.ast import And, Match, Node, Not
from a3sgw.rule.compile import all_of, any_of, captures, compile_rule
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import parse
from tests.rule.corpus import request
from tests.rule.strategies import nodes, requests


def holds(node: Node, asked: Request) -> bool:
    """The meaning of a tree, spelled out."""
    if isinstance(node, Match):
        return HTTP[node.name].factory(node)(asked)
    if isinstance(node, Not):
        return not holds(node.child, asked)
    return (all if isinstance(node, And) else any)(holds(child, asked) for child in node.children)


@given(nodes(), requests())
def test_closures_mean_what_the_tree_means(node: Node, asked: Request) -> None:
    """A compiled rule gives the tree's verdict, and captures only when it holds."""
    assert bool(compile_rule(node)(asked)) is holds(node, asked)
    assert asked.captures is None or (holds(node, asked) and captures(node))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_width(count: int) -> None:
    """However many children, all means all and any means any."""
    for number in range(2**count):
        bits = [bool(number >> bit & 1) for bit in range(count)]
        children = tuple((lambda subject, bit=bit: bit) for bit in bits)
        assert all_of(children)(None) is all(bits)
        assert any_of(children)(None) is any(bits)


def test_captures_replace_older_ones() -> None:
    """A rule that holds leaves exactly its own captures."""
    asked = request("GET a/x/7")
    asked.captures = {"old": "1"}
    assert compile_rule(parse("PathPattern(`/x/:id`) || PathPattern(`/:y/7`)"))(asked)
    assert asked.captures == {"id": "7"}
    assert not compile_rule(parse("PathPattern(`/x/:other`) && Method(`POST`)"))(asked)
    assert asked.captures == {"id": "7"}


def test_negated_patterns_capture_nothing() -> None:
    """What must not match has nothing to give."""
    asked = request("GET a/x/7")
    assert compile_rule(parse("!PathPattern(`/:id`) && PathPrefix(`/`)"))(asked)
    assert asked.captures is None
