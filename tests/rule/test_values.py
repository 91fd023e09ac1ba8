"""Quoted values."""

from __future__ import annotations

import pytest

from a3sgw.rule.ast import encode
from a3sgw.rule.errors import RuleError
from a3sgw.rule.values import unquote


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"`a\n`", rb"a\n"),
        ("`a\r\nb`", b"a\nb"),
        (r'"a\a\b\f\n\r\t\v\\\"z"', b'a\a\b\f\n\r\t\v\\"z'),
        (r'"\x41\101\u0041\U00000041"', b"AAAA"),
        (r'"\xff\xc3\xa9"', b"\xff\xc3\xa9"),
        (r'"é\U0001F9AD"', "é🦭".encode()),
        ('""', b""),
    ],
)
def test_value(text: str, value: bytes) -> None:
    """Backticks are literal but for carriage returns, double quotes know Go's escapes."""
    assert encode(unquote(text, 0)) == value


@pytest.mark.parametrize("escape", [r"\q", r"\'", r"\x1", r"\8", r"\400", r"\ud800", r"\U00110000", r"\u12", r"\éx"])
def test_unknown_escape(escape: str) -> None:
    """An escape Go does not have is refused at its place."""
    with pytest.raises(RuleError, match="unknown escape") as refused:
        unquote(f'"ab{escape}"', 10)
    assert refused.value.offset == 13
