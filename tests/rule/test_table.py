"""Names of matchers."""

from __future__ import annotations

from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import parse
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP


def test_four_spellings() -> None:
    """Exact, lower, UPPER and Title name the same matcher; nothing else does."""
    for name, matcher in HTTP.matchers.items():
        for spelling in (name, name.lower(), name.upper(), name.capitalize()):
            assert HTTP.find(spelling) is matcher
    assert HTTP.find("pathPrefix") is None
    assert HTTP.find("Headers") is HTTP["Header"]
    assert HTTP.find("headersregexp") is HTTP["HeaderRegexp"]


def test_usages_are_rules() -> None:
    """The example that errors show for a matcher is itself a valid rule."""
    tables: list[MatcherTable] = [HTTP, TCP]  # type: ignore[type-arg]  # tables over different subjects
    for table in tables:
        for matcher in table.matchers.values():
            assert matcher.usage.startswith(f"{matcher.name}(")
            parse(matcher.usage, table)
