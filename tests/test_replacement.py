"""What takes the place of a match, with both engines."""

from __future__ import annotations

import pytest

from a3sgw.patterns import HAS_RE2, PatternError, Replacer, ReReplacer, compile_replacer


def engines(regex: str, replacement: str) -> list[Replacer]:
    """Both, where there are two."""
    return [ReReplacer(regex, replacement), *([compile_replacer(regex, replacement)] if HAS_RE2 else [])]


@pytest.mark.parametrize(
    ("regex", "replacement", "text", "result"),
    [
        ("a", "b", b"xaya", b"xbyb"),
        ("a", "b", b"xy", None),
        ("(x)(y)?", "$2$1", b"axb", b"axb"),
        ("(x)", "$1$1", b"x", b"xx"),
        ("(x)", "$1y", b"x", b""),
        ("(x)", "${1}y", b"x", b"xy"),
        ("(x)", "$2", b"x", b""),
        ("(?P<n>x)", "[$n|${n}|$m]", b"x", b"[x|x|]"),
        ("x", "$$1", b"x", b"$1"),
        ("x", "$", b"x", b"$"),
        ("^", "a", b"b", b"ab"),
        ("$", "a", b"b", b"ba"),
        ("x*", "-", b"abxc", b"-a-b-c-"),
        ("é", "ü", "aéb".encode(), "aüb".encode()),
        ("é", "$0", "aéb".encode(), "aéb".encode()),
        (".", "a", b"\xff", None),
    ],
)
def test_replacing(regex: str, replacement: str, text: bytes, result: bytes | None) -> None:
    """As in Go: all matches, groups by number and name, empty for those that are not there."""
    tried = engines(regex, replacement)
    assert [one.replace(text) for one in tried] == [result] * len(tried)


@pytest.mark.parametrize(
    ("regex", "text", "found"),
    [
        ("b+", b"abbc", b"bb"),
        ("x", b"a", None),
        ("x*", b"a", b""),
        ("é", "aé".encode(), "é".encode()),
        (".", b"\xff", None),
    ],
)
def test_the_first_match(regex: str, text: bytes, found: bytes | None) -> None:
    """The leftmost one."""
    tried = engines(regex, "")
    assert [one.match(text) for one in tried] == [found] * len(tried)


def test_what_is_no_expression() -> None:
    """As for expressions that only look."""
    with pytest.raises(PatternError):
        compile_replacer("(a", "")
    with pytest.raises(PatternError):
        ReReplacer("(a", "")
