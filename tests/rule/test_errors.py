"""RuleError and the nearest name."""

from __future__ import annotations

from a3sgw.rule.errors import RuleError, nearest


def test_nearest() -> None:
    """The closest known name, whatever the case; None when nothing is close."""
    known = ["Host", "HostRegexp", "PathPrefix"]
    assert nearest("HOSTS", known) == "Host"
    assert nearest("pathprefex", known) == "PathPrefix"
    assert nearest("zzz", known) is None


def test_text() -> None:
    """As text, an error has its column and its help; a place is never empty."""
    error = RuleError("bad", 3, 0, "Do it.")
    assert str(error) == "bad (column 4; Do it.)"
    assert error.length == 1
