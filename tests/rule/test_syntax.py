"""Syntax errors in plain words; the sentences themselves are in rules/corpus/syntax.toml."""

from __future__ import annotations

import pytest

from a3sgw.rule.errors import RuleError
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import parse
from tests.rule.corpus import cases
from tests.rule.test_parse import refusal


@pytest.mark.parametrize("rule", [case["rule"] for case in cases("valid") if "\n" not in case["rule"]][:40])
def test_every_cut_is_explained(rule: str) -> None:
    """Wherever a rule is cut off or loses a character, the error has a place inside it and a sentence of help."""
    explained = 0
    for at in range(len(rule)):
        for broken in (rule[:at], rule[:at] + rule[at + 1 :], rule[:at] + "'" + rule[at:]):
            if (error := refusal(broken, HTTP)) is not None:
                explained += 1
                assert 0 <= error.offset <= len(broken)
                assert error.offset + error.length <= len(broken) + 1
                assert error.help
                assert "Token" not in error.summary
    assert explained


@pytest.mark.parametrize(
    ("rule", "summary"),
    [
        ('Path("a\nb")', "a value in double quotes is not closed on its line"),
        ("Host(a, `b`)", "a is not quoted"),
        ("Host(`a`, b)", "b is not quoted"),
        ("Host(Path(`/`))", "Path is not quoted"),
        ("(a)", "a has no values"),
        ("Host(`a`) ! Path(`/`)", "unexpected '!'"),
        ("Host(`a`) (Path(`/`))", "unexpected '('"),
        ("#", "unexpected '#'"),
    ],
)
def test_rarer_mistakes(rule: str, summary: str) -> None:
    """Mistakes that need more than a line of TOML, or are too odd for the specification."""
    with pytest.raises(RuleError) as refused:
        parse(rule)
    assert refused.value.summary == summary
