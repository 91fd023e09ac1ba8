"""The default priority."""

from __future__ import annotations

from a3sgw.rule.priority import default_priority


def test_length_in_bytes() -> None:
    """As Go counts a string."""
    assert default_priority("Host(`example.org`)") == 19
    assert default_priority("Path(`/é`)") == 11
