"""Query strings as rules compare them."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.rule.query import query_values


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"", []),
        (b"k", [b""]),
        (b"k=&k=1;k=2", [b"", b"1", b"2"]),
        (b"k=a+b%2B%00", [b"a b+\x00"]),
        (b"%6b=1&+k=2&k+=3&K=4", [b"1"]),
        (b"k=%&k=%2&k=%zz&k=ok&k%=1", [b"ok"]),
        (b"k=a=b&&&=k", [b"a=b"]),
        (b"k=\xff%FF", [b"\xff\xff"]),
    ],
)
def test_values(query: bytes, values: list[bytes]) -> None:
    """Separators, plus, escapes, order, duplicates and broken pairs as in Go."""
    assert query_values(query, b"k") == values


@given(st.lists(st.tuples(st.sampled_from("kx"), st.text(alphabet="a+% =é", max_size=5)), max_size=5))
def test_agrees_with_the_standard_library(pairs: list[tuple[str, str]]) -> None:
    """On well-formed queries, what urllib decodes."""
    query = "&".join(f"{name}={value.replace('%', '%25')}" for name, value in pairs)
    expected = [value.encode() for name, value in parse_qsl(query, keep_blank_values=True) if name == "k"]
    assert query_values(query.encode(), b"k") == expected
