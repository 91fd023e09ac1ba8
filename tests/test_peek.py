"""Answers of those who look at first bytes."""

from __future__ import annotations

from a3sgw.peek import Peek, Refused


def test_answers_are_told_apart_by_identity() -> None:
    """The answers that carry nothing are no strings, numbers or tuples that could be mixed up with others."""
    assert len({*Peek, "no", "need more", 0, None}) == len(Peek) + 4


def test_a_refusal_needs_no_alert() -> None:
    """A reason is enough where TLS has no say."""
    assert Refused("too long") == ("too long", 0)
