"""Expressions for the standard library's engine."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.pattern_syntax import PatternError, translate
from a3sgw.patterns import HAS_RE2, RePattern, compile_pattern


@pytest.mark.parametrize(
    ("expression", "offset", "message"),
    [
        ("ab(?=c)", 2, "look-around is not supported"),
        (r"(a)\2", 3, "back-references are not supported"),
        ("x(a+)*", 1, "a repeated group repeats or chooses inside"),
        ("ab(", 2, "missing closing parenthesis"),
        ("ab)", 2, "unexpected closing parenthesis"),
        ("a[b", 1, "missing closing bracket"),
        ("ab++", 3, "nothing to repeat before +"),
        ("a{2000}", 1, "repetition {2000} is too large"),
    ],
)
def test_refusals_name_the_place(expression: str, offset: int, message: str) -> None:
    """Each refusal says what stands at which character."""
    with pytest.raises(PatternError) as refused:
        translate(expression)
    assert (refused.value.offset, refused.value.message) == (offset, message)


def test_translations() -> None:
    """Where the two languages differ, the expression is rewritten."""
    assert translate("^a$") == r"\Aa\Z"
    assert translate("a{,3}") == r"a\{,3}"
    assert translate("(?<n>[[])") == r"(?P<n>[\[])"


@given(
    st.text(alphabet="ab()[]{}|*+?^$\\.,-013:<P>=!isdwxé&~ \n", max_size=14),
    st.text(alphabet="ab013,é \n-", max_size=8),
)
def test_never_another_verdict(expression: str, text: str) -> None:
    """Whatever passes the check compiles, and means what it means to RE2 where that is installed."""
    try:
        pattern = RePattern(expression)
    except PatternError:
        return
    assert re.compile(translate(expression), re.ASCII)
    if HAS_RE2:
        assert pattern.search(text.encode()) is compile_pattern(expression).search(text.encode())
