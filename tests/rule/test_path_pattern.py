"""Named segments."""

from __future__ import annotations

import pytest

from a3sgw.rule.ast import Match
from a3sgw.rule.errors import RuleError
from a3sgw.rule.parse import parse
from a3sgw.rule.path_pattern import PathPattern, compile_path_pattern


def pattern(text: str) -> PathPattern:
    return compile_path_pattern(Match("PathPattern", (text,)))


@pytest.mark.parametrize(
    ("text", "literal"),
    [("/a/:b/c", b"/a/"), ("/:b", b"/"), ("/a", b"/a"), ("/a/*", b"/a/"), ("/a*", b"/a"), ("/a/{b}/*", b"/a/")],
)
def test_literal_start(text: str, literal: bytes) -> None:
    """What an index may look up: the text before anything variable."""
    assert pattern(text).literal == literal


def test_captures() -> None:
    """Names map to text; what is no UTF-8 is replaced, a path that does not fit captures nothing."""
    assert pattern("/{a}/:b/**").captures(b"/x/\xff/y/z") == {"a": "x", "b": "\udcff", "*": "y/z"}
    assert pattern("/:a").captures(b"/") == {}
    assert pattern("/:a").matches(b"/line\nbreak")


def test_place_of_the_segment() -> None:
    """An error points at the segment, or at the whole value when escapes hide where that is."""
    for rule, offset in (("PathPattern(`/a/{b`)", 16), ('PathPattern("/\\x61/{b")', 12)):
        match = parse(rule)
        assert isinstance(match, Match)
        with pytest.raises(RuleError) as refused:
            compile_path_pattern(match)
        assert refused.value.offset == offset
