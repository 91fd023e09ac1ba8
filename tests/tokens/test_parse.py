"""What is read of a token, and what nobody could read for sure."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.tokens.parse import TokenError, claims, parse
from tests.support.tokens import encoded, forged, signed, token

HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "anna"}


def test_a_good_token() -> None:
    """Its parts, by name."""
    text = token({"tenant": {"id": 7}}, kid="k1")
    read = parse(text)
    assert (read.algorithm, read.kid, read.type) == ("HS256", "k1", "jwt")
    assert read.signed + b"." + encoded(read.signature) == text
    assert claims(read)["tenant"] == {"id": 7}


@pytest.mark.parametrize("type_", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_types(type_: str) -> None:
    """`typ` is a media type, in any case, whose first half may be left out."""
    assert parse(token(typ=type_)).type == "at+jwt"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"..",
        b"a.b",
        b"a.b.c",
        b"a.b.c.d.e",
        token().rsplit(b".", 1)[0],
        token().rsplit(b".", 1)[0] + b".",
        b"." + token(),
        token() + b"=",
        token() + b"\n",
        b" " + token(),
        token().replace(b".", b"..", 1),
        token().replace(b".", b".\r\n", 1),
        token().replace(b".", b"%2e"),
        token() + "ä".encode(),
        b"\x00" + token(),
    ],
    ids=lambda text: "text",
)
def test_it_has_three_parts(text: bytes) -> None:
    """An empty signature, spaces, padding, escapes, encryption in five parts: no token."""
    with pytest.raises(TokenError):
        parse(text)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_spelling(part: int) -> None:
    """The bits behind the last byte are zero: else every token would have copies that look different."""
    head, payload, signature = parts = signed({"alg": "HS256", "x": 11}, {"sub": "anna1"}).split(b".")
    assert [len(one) % 4 != 0 for one in (head, payload, signature)][part], "this part has no such bits"
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    parts[part] = parts[part][:-1] + bytes([alphabet[alphabet.index(parts[part][-1]) | 1]])
    with pytest.raises(TokenError, match="stray bits"):
        claims(parse(b".".join(parts)))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b'["alg", "HS256"]',
        b'"HS256"',
        b"{}",
        b'{"alg": null}',
        b'{"alg": ["HS256"]}',
        b'{"alg": {"a": 1}}',
        b'{"alg": "HS256"',
        b'{"alg": "HS256"} {}',
        b'{"alg": "HS256", "alg": "none"}',
        b'{"alg": "none", "\\u0061lg": "HS256"}',
        b'{"alg": "HS256", "x": {"a": 1, "a": 2}}',
        b'{"alg": "HS256", "x": NaN}',
        b'{"alg": "HS256", "x": Infinity}',
        b'\xef\xbb\xbf{"alg": "HS256"}',
        '{"alg": "HS256"}'.encode("utf-16"),
        b'{"alg": "HS256", "x": "\xff"}',
        b'{"alg": "HS256", "kid": 1}',
        b'{"alg": "HS256", "kid": ["k1"]}',
        b'{"alg": "HS256", "kid": "' + b"k" * 513 + b'"}',
        b'{"alg": "HS256", "typ": 1}',
        b'{"alg": "HS256", "cty": ["JWT"]}',
        b'{"alg": "HS256", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"alg": "HS256", "x": ' + b"[" * 5000,
        b'{"alg": "HS256", "x": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda header: "header",
)
def test_a_header_is_an_object(header: bytes) -> None:
    """Of JSON in UTF-8, in which no name stands twice."""
    with pytest.raises(TokenError):
        parse(signed(header, CLAIMS))


@pytest.mark.parametrize(
    "more",
    [
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"crit": ["http://example.com/UNDEFINED"]},
        {"crit": None},
        {"b64": False},
        {"b64": True},
        {"cty": "JWT"},
        {"cty": "jwt"},
        {"cty": "application/jwt"},
    ],
)
def test_what_must_be_understood(more: dict[str, Any]) -> None:
    """Critical parameters, payloads that stand elsewhere, and tokens in tokens are not."""
    with pytest.raises(TokenError):
        parse(signed({**HEADER, **more}, CLAIMS))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'[{"sub": "anna"}]',
        b'"anna"',
        b"1",
        b'{"sub": "anna", "sub": "root"}',
        b'{"a": {"sub": "anna", "sub": "root"}}',
        b'{"exp": NaN}',
        b'{"exp": -Infinity}',
        b'{"sub": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"sub": "\xff"}',
        b"{" + b'"a":{' * 5000,
    ],
    ids=lambda payload: "payload",
)
def test_claims_are_an_object(payload: bytes) -> None:
    """The same holds for the payload, and its text can be written down."""
    text = encoded(HEADER) + b"." + (encoded(payload) or b"AA") + b".eA"
    with pytest.raises(TokenError):
        claims(parse(text))


def test_the_reason_says_nothing_of_the_token() -> None:
    """It goes to the log, which is not to hold tokens, nor what an attacker writes into them."""
    for header in ({"alg": 7}, {"alg": "HS256", "kid": 1}, {"alg": "HS256", "crit": ["evil"]}, b"evil"):
        with pytest.raises(TokenError) as caught:
            parse(forged(header, b"evil"))
        assert "evil" not in str(caught.value)
