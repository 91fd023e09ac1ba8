"""HTTP matchers; what they mean case by case is in rules/corpus."""

from __future__ import annotations

from a3sgw.rule.matchers import HTTP
from tests.rule.corpus import cases


def test_every_matcher_has_examples() -> None:
    """The corpus shows each matcher matching, missing and refused."""
    valid, invalid = cases("valid"), cases("invalid")
    for name in HTTP.matchers:
        assert any(f"{name}(" in case["rule"] and case.get("match") for case in valid), name
        assert any(f"{name}(" in case["rule"] and case.get("miss") for case in valid), name
        assert any(case["rule"].startswith(f"{name}(") for case in invalid), name
