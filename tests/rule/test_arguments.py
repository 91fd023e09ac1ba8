"""Checks of matcher values."""

from __future__ import annotations

import pytest

from a3sgw.rule import arguments
from a3sgw.rule.ast import Match
from a3sgw.rule.errors import RuleError
from a3sgw.rule.parse import parse


def match(rule: str) -> Match:
    node = parse(rule)
    assert isinstance(node, Match)
    return node


def test_host_is_canonical() -> None:
    """Lower case, no trailing dot, wildcards kept."""
    assert arguments.host(match("Host(`*.A.Example.`)")) == b"*.a.example"
    assert arguments.host(match("Host(`*`)")) == b"*"


@pytest.mark.parametrize(
    ("name", "label"), [("bücher.de", "xn--bcher-kva.de"), ("é" * 70 + ".x", "xn--"), ("é..x", "xn--")]
)
def test_help_shows_the_a_label(name: str, label: str) -> None:
    """The A-label of any name, also where IDNA would rather not."""
    with pytest.raises(RuleError) as refused:
        arguments.host(match(f"Host(`{name}`)"))
    assert label in refused.value.help


def test_place_inside_an_expression() -> None:
    """An error in an expression points into it, or at its quotes when escapes hide the place."""
    with pytest.raises(RuleError) as refused:
        arguments.expression(match("PathRegexp(`ab(?=c)`)"), 0)
    assert (refused.value.offset, refused.value.length) == (14, 5)
    with pytest.raises(RuleError) as refused:
        arguments.expression(match('PathRegexp("\\x61b(?=c)")'), 0)
    assert refused.value.offset == 11


def test_without_places() -> None:
    """A match built by hand is refused at its own place."""
    with pytest.raises(RuleError) as refused:
        arguments.networks(Match("ClientIP", ("x",), 3, 8))
    assert (refused.value.offset, refused.value.length) == (3, 8)
