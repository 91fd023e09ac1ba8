"""A tree filled into a shape is the tree that parsing the same rule gives, places included."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from a3sgw.rule.ast import Node
from a3sgw.rule.errors import RuleError
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import parse, parse_anew
from a3sgw.rule.shape import Shape, cut
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP
from tests.rule import corpus
from tests.rule.strategies import nodes

OTHERS = [
    "`x`",
    "``",
    '""',
    "`much longer than the rest`",
    '"\\t\\xff"',
    '"\\q"',
    '"a\\""',
    "`é😀`",
    "`(`",
    "`\r`",
    '"`"',
]
DEEP = "nested too deeply"
"""Refused before it is read."""


def outcome(rule: str, shaped: bool, table: MatcherTable[Any] = HTTP) -> str:
    """Everything there is to know about the tree of a rule, or about its error."""
    try:
        return repr(parse(rule, table) if shaped else parse_anew(rule, table))
    except RuleError as error:
        return repr((error.summary, error.offset, error.length, error.help))


def filled(rule: str) -> Node | None:
    """The tree of a rule made from the shape that it has."""
    between, quoted = cut(rule)
    return Shape(between, lambda text: parse_anew(text, HTTP)).fill(quoted)


def test_filling() -> None:
    """Values, and the places of values and names, are those of the rule."""
    rule = '!( headers(`a`, "long\\t") || Path(`/é`) ) && Query(`q`) && (Host(`a`) && HOST(`b`))'
    assert repr(filled(rule)) == repr(parse_anew(rule, HTTP))


def test_rules_of_one_shape_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rules that differ only in values, the text of one is read."""
    read: list[str] = []

    def counted(rule: str, table: MatcherTable[Any]) -> Node:
        read.append(rule)
        return parse_anew(rule, table)

    monkeypatch.setattr("a3sgw.rule.parse.parse_anew", counted)
    hosts = [f"Host(`{'h' * index}.example`)&&!Path(`/only-here`)" for index in range(10)]
    assert [repr(parse(rule)) for rule in hosts] == [repr(parse_anew(rule, HTTP)) for rule in hosts]
    assert len(read) <= 1  # none when another test has met the shape


def test_long_rules_are_read_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of a rule is bounded."""
    monkeypatch.setattr("a3sgw.rule.parse.Shape", None)
    rule = " || ".join(["Host(`a`)"] * 200)
    assert repr(parse(rule)) == repr(parse_anew(rule, HTTP))


@pytest.mark.parametrize("other", [None, *OTHERS])
def test_every_corpus_rule_with_other_values(other: str | None) -> None:
    """Right and wrong rules alike, with their own values and with others in some or all places."""
    rules: list[tuple[str, MatcherTable[Any]]]
    rules = [(case["rule"], HTTP) for kind in ("valid", "invalid", "domains") for case in corpus.cases(kind)]
    rules += [(case["rule"], TCP) for case in corpus.cases("tcp")]
    for rule, table in rules:
        for every in (1, 2):
            counter = iter(range(1000))
            changed = re.sub(
                r'`[^`]*`|"[^"]*"',
                lambda found: found[0] if other is None or next(counter) % every else other,  # noqa: B023 — used here
                rule,
            )
            shaped = outcome(changed, True, table)
            assert DEEP in shaped or shaped == outcome(changed, False, table)


@given(nodes(), st.lists(st.sampled_from(OTHERS), min_size=1), st.sampled_from(["", " ", "\n"]))
def test_any_tree_with_other_values(node: Node, others: list[str], blank: str) -> None:
    """Whatever a rule is made of and however it is spaced."""
    values = iter(others * 100)
    rule = re.sub(r"`[^`]*`", lambda _: next(values), str(node).replace("(", f"{blank}({blank}"))
    shaped = outcome(rule, True)
    assert DEEP in shaped or shaped == outcome(rule, False)


@given(st.lists(st.sampled_from(["Host(", "Path(", "`", '"', "\\", ")", ",", "a", "\n", "&&", "'"]), max_size=14))
@example(["Host(", "`", "a", '"', "b", '"', ")"])
@example(["Host(", '"', "`", "\n", "`", '"', ")"])
def test_stray_quotes(pieces: list[str]) -> None:
    """Where quotes do not pair, the error is that of the rule as it is written."""
    rule = "".join(pieces)
    assert outcome(rule, True) == outcome(rule, False)


@pytest.mark.parametrize("rule", ["Host(`a`", "Nope(`a`)", "Host(`a`, `b`)", "Host(`a`) `b`", 'Host(`a`)"', ""])
def test_no_shape(rule: str) -> None:
    """What is no rule whatever its values has no shape."""
    with pytest.raises(RuleError):
        Shape(cut(rule)[0], lambda text: parse_anew(text, HTTP))
