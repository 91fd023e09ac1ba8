"""Trees and how they are written."""

from __future__ import annotations

import pytest

from a3sgw.rule.ast import And, Match, Node, Not, Or, conjunction, disjunction, encode, matches, quote

A, B, C = (Match("Host", (name,)) for name in "abc")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Match("Query", ("k", "v")), "Query(`k`, `v`)"),
        (Or((A, And((B, Not(C))))), "Host(`a`) || Host(`b`) && !Host(`c`)"),
        (And((A, Or((B, C)))), "Host(`a`) && (Host(`b`) || Host(`c`))"),
        (Not(Not(Or((A, B)))), "!!(Host(`a`) || Host(`b`))"),
    ],
)
def test_printed(node: Node, text: str) -> None:
    """Printed with parentheses only where precedence needs them."""
    assert str(node) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\\b", "`a\\b`"), ("a`b", '"a`b"'), ('`"\\', '"`\\"\\\\"'), ("\t", '"\\x09"'), ("é`", '"\\xc3\\xa9`"')],
)
def test_quoted(value: str, text: str) -> None:
    """Backticks where they can hold the value, escapes otherwise."""
    assert quote(value) == text


def test_flat_and_single() -> None:
    """One node stays itself, nested nodes of a kind are taken apart."""
    assert conjunction((A,)) is A
    assert conjunction((A, And((B, C)))) == And((A, B, C))
    assert disjunction((Or((A, B)), C)) == Or((A, B, C))
    assert [*matches(And((A, Not(Or((B, C))))))] == [A, B, C]


def test_places_do_not_count_and_bytes_survive() -> None:
    """Equal rules at different places are equal; a byte that is no UTF-8 encodes to itself."""
    assert Match("Host", ("a",), 5, 4, ((10, 3),)) == A
    assert encode("é\udcff") == b"\xc3\xa9\xff"
