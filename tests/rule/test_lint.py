"""Right and rarely meant; the findings by rule are in rules/corpus."""

from __future__ import annotations

from a3sgw.rule.lint import lint
from a3sgw.rule.parse import parse


def test_finding() -> None:
    """A finding has its place in the rule and says what to write."""
    (found,) = lint(parse("Method(`GET`) && !PathPrefix(`/v1`)"))
    assert (found.summary, found.offset, found.length) == ("PathPrefix(`/v1`) also matches /v1-other", 29, 5)
    assert found.help == "To stop at the segment, write Path(`/v1`) || PathPrefix(`/v1/`)."


def test_all_findings_in_order() -> None:
    """Every finding of a rule is reported."""
    found = lint(parse("HostRegexp(`a`) && PathRegexp(`b`) && Query(`c`) && QueryRegexp(`d`, `e`)"))
    assert [one.help for one in found] == [
        "Anchor it with ^ and $ to compare the whole host.",
        "Begin it with ^ to match from the start.",
        "To ask whether it is there, write QueryRegexp(`c`, `.*`).",
    ]


def test_nothing_to_say() -> None:
    """Anchored expressions, whole segments and two values are fine."""
    rule = r"HostRegexp(`(?i)^a\z`) && PathRegexp(`\Ab`) && Query(`c`, `1`) && PathPrefix(`/`) && Host(`::1`)"
    assert lint(parse(rule)) == []
