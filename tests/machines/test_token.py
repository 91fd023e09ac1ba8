"""Sticky tokens."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.token import Tokens

KEY = b"a secret"
URL = "http://10.0.0.1:8001"
NOW = 1_800_000_000.0


@pytest.mark.parametrize(("ttl", "length"), [(0.0, 16), (60.0, 40)])
def test_what_is_made_is_read(ttl: float, length: int) -> None:
    """A token carries the name of its endpoint, as text or bytes, and has only characters that cookies may have."""
    tokens = Tokens(KEY, ttl)
    token = tokens.make(URL, NOW)
    assert re.fullmatch(rf"[A-Za-z0-9_-]{{{length}}}", token)
    assert tokens.read(token, NOW) == tokens.read(token.encode(), NOW) == tokens.name(URL)


def test_names() -> None:
    """A name is the same in every process that has the key, and different for another key or endpoint."""
    assert Tokens(KEY).name(URL) == Tokens(KEY, 60.0).name(URL)
    names = {Tokens(key).name(url) for key in (KEY, b"k", b"x" * 64, b"x" * 65) for url in (URL, URL + "/", "")}
    assert len(names) == 12
    assert Tokens(b"k").name("a") == "LAHN8omZAnH7zZdU"


@pytest.mark.parametrize(
    ("ttl", "later", "valid"),
    [
        (60, 0, True),
        (60, 60, True),
        (60, 61, False),
        (60, -60, True),
        (60, -61, False),
        (0, 1e9, True),
        (0.5, 2, False),
    ],
)
def test_tokens_grow_old(ttl: float, later: float, valid: bool) -> None:
    """With a ttl a token is read for that long, and one from the future no longer than that; without, for ever."""
    tokens = Tokens(KEY, ttl)
    assert tokens.read(tokens.make(URL, NOW), NOW + later) == (tokens.name(URL) if valid else None)


@pytest.mark.parametrize("text", ["", "a" * 15, "a" * 17, "a" * 15 + "+", "a" * 15 + "\n", "a" * 16 + "\n", "é" * 16])
@pytest.mark.parametrize("ttl", [0.0, 60.0])
def test_malformed(text: str, ttl: float) -> None:
    """What has not the form of a token is none, whatever characters it is made of."""
    assert Tokens(KEY, ttl).read(text, NOW) is None
    assert Tokens(KEY, ttl).read(text.encode(), NOW) is None


@pytest.mark.parametrize("text", ["\ud800" * 40, "é" * 40, "a" * 40, " " * 40, "=" * 40])
def test_forged(text: str) -> None:
    """What nobody with the key made is refused, also when it has the right length."""
    assert Tokens(KEY, 60.0).read(text, NOW) is None


def test_another_form() -> None:
    """After a ttl was added or taken away old tokens are not read."""
    assert Tokens(KEY, 60.0).read(Tokens(KEY).make(URL, NOW), NOW) is None
    assert Tokens(KEY).read(Tokens(KEY, 60.0).make(URL, NOW), NOW) is None


def test_two_purposes() -> None:
    """A name is never a signature, not even of the same text."""
    tokens = Tokens(KEY, 60.0)
    token = tokens.make(URL, NOW)
    assert tokens.name(token[:24]) != token[24:]


def test_an_empty_key() -> None:
    """Without a key there are no tokens, as anybody could make them."""
    with pytest.raises(ValueError, match="key"):
        Tokens(b"")


@given(st.integers(0, 39), st.integers(1, 127))
def test_every_character_is_signed(at: int, change: int) -> None:
    """A token of which one character was changed is refused, and so is one of another key."""
    tokens = Tokens(KEY, 60.0)
    token = bytearray(tokens.make(URL, NOW).encode())
    assert Tokens(b"other", 60.0).read(bytes(token), NOW) is None
    token[at] ^= change
    assert tokens.read(bytes(token), NOW) is None


@given(st.one_of(st.text(max_size=50), st.binary(max_size=50)), st.sampled_from([0.0, 60.0]))
def test_anything_may_be_sent(text: str | bytes, ttl: float) -> None:
    """Reading never raises."""
    assert Tokens(KEY, ttl).read(text, NOW) is None or ttl == 0.0
