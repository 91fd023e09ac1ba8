"""Regular expressions give the same verdict with both engines."""

from __future__ import annotations

import pytest

from a3sgw.patterns import HAS_RE2, PatternError, RePattern, compile_pattern

VERDICTS: list[tuple[str, bytes, bool]] = [
    ("", b"", True),
    ("a", b"bab", True),
    ("^a", b"ba", False),
    ("a$", b"a\n", False),
    (r"a\z", b"a\n", False),
    (r"\Aa", b"ab", True),
    ("a.b", b"a\nb", False),
    ("(?s)a.b", b"a\nb", True),
    ("(?i)ABC", b"xabcx", True),
    ("(?i:A)b", b"ab", True),
    ("(?i:A)b", b"aB", False),
    ("(?P<name>a)b", b"ab", True),
    ("(?<name>a)b", b"ab", True),
    ("(?:a|b)c", b"bc", True),
    ("a{2}", b"aa", True),
    ("^a{2,3}$", b"aaaa", False),
    ("a{,3}", b"aaa", False),
    ("a{,3}", b"a{,3}", True),
    ("http{secure:s?}", b"http{secure:}", True),
    ("x{", b"x{", True),
    (r"\d+\.\d+", b"1.2", True),
    (r"^\w+$", "é".encode(), False),
    (r"\s", b"\v", False),
    (r"[\s]", b"\v", False),
    (r"^\S$", b"\v", True),
    (r"[[a]", b"[", True),
    (r"[]a]", b"]", True),
    (r"[^]a]", b"]", False),
    (r"[a&&b]", b"&", True),
    (r"[a|~]", b"~", True),
    (r"[a\]b]", b"]", True),
    (r"[\x41-\x43]", b"B", True),
    (r"\x2f", b"/", True),
    ("^.$", "é".encode(), True),
    ("^.$", "🦭".encode(), True),
    ("^[é]$", "é".encode(), True),
    ("^.$", b"\xff", True),
    ("a+?b", b"aab", True),
    (r"\bfoo\b", b"a foo b", True),
    (r"^/(css|js)/?$", b"/js/", True),
    (r"\/\-\.", b"/-.", True),
]

REFUSED_BY_BOTH = [
    "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", "(?P=a)", "(?>a)", "(?(1)a)", "a**", "a*+", "a++", "*a", "+",
    "(a", "a)", "[a", "a{1001}", r"\Z", r"\u0041", r"\N{DASH}", "\\", "[b-a]", "(?x)a", "a{2}{3}", "(?#a)",
]  # fmt: skip

REFUSED_BY_RE = ["(a+)+", "(a*)*", "(a|aa)+$", "(?:a?){20}", "((ab)+c)*", r"\pL", "[[:alpha:]]", r"\Qa\E", "a(?i)b"]
REFUSED_BY_RE += ["(?P<1>a)", "(?m)^a", "(?U)a", r"[\S]", r"\x{41}", "(?i)é", r"\C", "(x+x+)+y"]

ENGINES = [RePattern, compile_pattern]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("expression", "text", "verdict"), VERDICTS)
def test_verdict(engine: type[RePattern], expression: str, text: bytes, verdict: bool) -> None:
    """Both engines search anywhere in bytes, with RE2's meaning of $, . , classes and repetitions."""
    assert engine(expression).search(text) is verdict


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("expression", REFUSED_BY_BOTH)
def test_refused(engine: type[RePattern], expression: str) -> None:
    """What RE2 does not have is refused by both, with a place and a sentence of help."""
    with pytest.raises(PatternError) as refused:
        engine(expression)
    assert refused.value.message
    assert 0 <= refused.value.offset <= len(expression)
    assert refused.value.help.endswith(".")


@pytest.mark.parametrize("expression", REFUSED_BY_RE)
def test_refused_without_re2(expression: str) -> None:
    """Without google-re2, what could backtrack without end or has no counterpart is refused too."""
    with pytest.raises(PatternError):
        RePattern(expression)
    assert not HAS_RE2 or compile_pattern(expression)


def test_not_utf8() -> None:
    """A lone surrogate is an error with its place, not an exception of the codec."""
    for engine in ENGINES:
        with pytest.raises(PatternError) as refused:
            engine("a\ud800")
        assert refused.value.offset == 1
