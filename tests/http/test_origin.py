"""Web origins: whole, canonical, and never by chance."""

from __future__ import annotations

import pytest

from a3sgw.http.origin import Origins, canonical_origin
from a3sgw.options import OptionError
from a3sgw.patterns import PatternError


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        (b"https://a.example", b"https://a.example"),
        (b"HTTPS://A.Example:443", b"https://a.example"),
        (b"http://a.example:80", b"http://a.example"),
        (b"http://a.example:443", b"http://a.example:443"),
        (b"https://a.example:8443", b"https://a.example:8443"),
        (b"http://[2001:DB8::1]:8080", b"http://[2001:db8::1]:8080"),
        (b"chrome-extension://abcdef", b"chrome-extension://abcdef"),
        (b"null", None),
        (b"", None),
        (b"a.example", None),
        (b"https://", None),
        (b"https://a.example/", None),
        (b"https://a.example?x", None),
        (b"https://user@a.example", None),
        (b"https://a.example https://b.example", None),
        (b"https://a.example,https://b.example", None),
        (b"https://*.example", None),
        (b"https://.example", None),
        (b"https://a.example:", None),
        (b"https://a.example:x", None),
        (b"https://a.example\n", None),
    ],
)
def test_one_spelling(value: bytes, canonical: bytes | None) -> None:
    """Lower case and no port that goes without saying; None for what is no single origin."""
    assert canonical_origin(value) == canonical


LISTED = ["https://a.example", "https://*.b.example", "http://localhost:3000", "https://*.c.example:8443"]
REGEXES = [r"https://[a-z]+\.d\.example", "(?i)https://(x|y).E.example"]


@pytest.mark.parametrize(
    "origin",
    [
        b"https://a.example",
        b"https://A.example:443",
        b"http://localhost:3000",
        b"https://x.b.example",
        b"https://x.c.example:8443",
        b"https://app.d.example",
        b"https://y.e.example",
    ],
)
def test_who_is_one_of_them(origin: bytes) -> None:
    """By name, by domain, by expression."""
    assert origin in Origins(LISTED, REGEXES)


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"",
        b"http://a.example",
        b"https://a.example:8443",
        b"https://a.example.evil.example",
        b"https://evila.example",
        b"https://sub.a.example",
        b"https://a.example, https://evil.example",
        b"http://localhost:3001",
        b"http://localhost",
        b"https://b.example",
        b"https://.b.example",
        b"https://x.y.b.example",
        b"http://x.b.example",
        b"https://xb.example",
        b"https://x.c.example",
        b"https://app.d.example.evil.example",
        b"https://evil.example/https://app.d.example",
        b"https://app-d.example",
    ],
)
def test_who_is_not(origin: bytes) -> None:
    """What only contains, begins or ends with it; other schemes and ports; `null` and nothing."""
    assert origin not in Origins(LISTED, REGEXES)


def test_null_is_nobody() -> None:
    """Whatever the expression."""
    assert b"null" not in Origins([], [".*"])


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("null", "sandboxed"),
        ("a.example", "https://app"),
        ("https://a.example/", "without a path"),
        ("https://*", "https://app"),
        ("https://a.*.example", "https://app"),
        ("https://é.example", "xn--"),
        ("", "https://app"),
    ],
)
def test_what_cannot_be_listed(text: str, help: str) -> None:
    """It says what to write."""
    with pytest.raises(OptionError) as caught:
        Origins([text])
    assert help in caught.value.help


@pytest.mark.parametrize("expression", ["(", "a)|(b", "(?=a)"])
def test_expressions_are_checked(expression: str) -> None:
    """As they are written, so that none escapes what is put around it."""
    with pytest.raises(PatternError):
        Origins([], [expression])
