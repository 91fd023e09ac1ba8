"""Text to tree, and nothing but RuleError."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from a3sgw.http.message import Request
from a3sgw.rule.ast import And, Match, Node, Not, Or
from a3sgw.rule.compile import compile_node, compile_rule
from a3sgw.rule.errors import RuleError
from a3sgw.rule.lint import lint
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import MAX_DEPTH, parse
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP
from tests.rule.corpus import request
from tests.rule.strategies import nodes, requests

_PIECES = ["Host", "Path", "PathPattern", "HeaderRegexp", "(", ")", "`", '"', "'", ",", "&&", "||", "!", " ", "`/a`"]
_PIECES += [
    "(`a`)",
    "&",
    "|",
    "and",
    "\\",
    "\n",
    "é",
    "\x00",
    "\ud800",
    "Query",
    ":x",
    "*",
    "{",
    "[",
    "(?=",
    "Host(`a`)",
]


def test_tree_and_places() -> None:
    """Names become canonical, values lose their quotes, places count characters of the rule."""
    assert parse('headers(`é`, "b\\t") || !Host(`a`)') == Or(
        (Match("Header", ("é", "b\t")), Not(Match("Host", ("a",))))
    )
    match = parse("  PATH( `/x` )")
    assert isinstance(match, Match)
    assert (match.offset, match.length, match.places) == (2, 4, ((8, 4),))


def test_precedence_and_flattening() -> None:
    """! before && before ||; chains and redundant parentheses make one flat node."""
    a, b, c = (Match("Host", (name,)) for name in "abc")
    assert parse("Host(`a`) || Host(`b`) && !Host(`c`)") == Or((a, And((b, Not(c)))))
    assert parse("Host(`a`) && (Host(`b`) && Host(`c`))") == And((a, b, c))
    assert parse("(Host(`a`) || Host(`b`)) || Host(`c`)") == Or((a, b, c))
    assert parse("!(Host(`a`) && Host(`b`)) && Host(`c`)") == And((Not(And((a, b))), c))


@given(nodes())
def test_printed_trees_read_back(node: Node) -> None:
    """A tree prints as a rule that parses to the same tree."""
    assert parse(str(node)) == node


@given(st.text(min_size=1).filter(lambda value: value.isascii() or "\ud800" not in value))
def test_any_value_reads_back(value: str) -> None:
    """Whatever a value contains, its quoted form has that value."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    match = Match("Header", (value, value))
    assert parse(str(match)) == match


@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)), requests())
@example("(" * 2000 + "Host(`a`)" + ")" * 2000, None)
@example("!" * 5000 + "Host(`a`)", None)
@example("!(" * 49 + "Host(`a`)" + ")" * 49, None)
@example("Host(`a`) && " * 3000 + "Host(`a`)", None)
def test_nothing_but_rule_error(rule: str, asked: Request | None) -> None:
    """Any text either is a rule that can be compiled, linted and asked, or raises RuleError with a place inside it."""
    for table in (HTTP, TCP):
        if (error := refusal(rule, table)) is not None:
            assert 0 <= error.offset <= len(rule)
            assert error.length >= 1
            assert error.summary
            assert error.help
            continue
        node = parse(rule, table)
        assert parse(str(node), table) == node
        lint(node)
        if table is HTTP and asked is not None:
            assert compile_rule(node)(asked) in {True, False}


def refusal(rule: str, table: MatcherTable[Any]) -> RuleError | None:
    """Why a rule is refused, None when it is not; any other exception is the test's failure."""
    try:
        compile_node(parse(rule, table), table)
    except RuleError as error:
        return error
    return None


@pytest.mark.parametrize("opening", ["(", "!"])
def test_deepest_rule(opening: str) -> None:
    """Nesting is allowed to a depth that can be compiled, and refused beyond, whichever way it nests."""
    closing = ")" if opening == "(" else ""
    levels = MAX_DEPTH - 1
    holds = compile_rule(parse(opening * levels + "Host(`a`)" + closing * levels))
    assert holds(request("GET a/")) is (opening == "(" or levels % 2 == 0)
    with pytest.raises(RuleError, match="nested too deeply"):
        parse(opening * (MAX_DEPTH + 1) + "Host(`a`)" + closing * (MAX_DEPTH + 1))


def test_wide_rules_are_not_deep() -> None:
    """Many matchers beside each other, quotes full of parentheses, and closed groups do not count as depth."""
    assert parse(" || ".join(["!(Host(`((((((((`) && !Path(`!!!!!`))"] * 60))
    assert parse("Host(`" + "(" * 100 + "`)")
