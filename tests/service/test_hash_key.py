"""From `hash_on` to the bytes that hashing strategies go by."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.http.message import Request
from a3sgw.options import OptionError
from a3sgw.service.hash_key import hash_key

IP = b"192.0.2.7"


def request(lines: bytes = b"", facts: dict[str, Any] | None = None) -> Request:
    """A request from 192.0.2.7 with these field lines."""
    made = Request()
    made.client_ip = IP.decode()
    made.path = b"/a%2Fb"
    made.host = b"a.example"
    made.head = b"GET / HTTP/1.1\r\n" + lines
    made.facts = facts
    return made


@pytest.mark.parametrize(("hash_on", "key"), [("", IP), ("ip", IP), ("path", b"/a%2Fb"), ("header:Host", b"a.example")])
def test_what_every_request_has(hash_on: str, key: bytes) -> None:
    """The client's address, the routing path, the host."""
    assert hash_key(hash_on)(request()) == key


def test_no_address() -> None:
    """Clients on a Unix socket have none."""
    assert hash_key("ip")(Request()) == b""


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (b"x-user: ann\r\nX-User: bob\r\n", b"ann"),
        (b"X-USER: caf\xc3\xa9\r\n", b"caf\xc3\xa9"),
        (b"X-User2: ann\r\n", IP),
        (b"X-User:\r\n", IP),
    ],
)
def test_header(lines: bytes, key: bytes) -> None:
    """The first value, without case of the name; the address when it is missing or empty."""
    assert hash_key("header:X-User")(request(lines)) == key


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (b"Cookie: s.id=1\r\n", b"1"),
        (b"Cookie: a=b; s.id=1=2 ; c\r\n", b"1=2"),
        (b"Cookie: a=b;s.id=1\r\n", b"1"),
        (b"Cookie: a=b\r\nCookie: s.id=3; s.id=4\r\n", b"3"),
        (b"Cookie: s.id=\r\nCookie: s.id=5\r\n", b"5"),
        (b"Cookie: xs.id=1; sxid=1; S.ID=1; a=s.id=1\r\n", IP),
        (b"Cookie:\r\nX: s.id=1\r\n", IP),
    ],
)
def test_cookie(lines: bytes, key: bytes) -> None:
    """The value of the first cookie of that very name; the address when it is missing or empty."""
    assert hash_key("cookie:s.id")(request(lines)) == key


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        (None, IP),
        ({}, IP),
        ({"claims": {"other": "x"}}, IP),
        ({"claims": {"customer": ""}}, IP),
        ({"claims": {"customer": None}}, IP),
        ({"claims": {"customer": "acme"}}, b"acme"),
        ({"claims": {"customer": 0}}, b"0"),
        ({"claims": {"customer": "\ud800"}}, b"\xed\xa0\x80"),
    ],
)
def test_claim(facts: dict[str, Any] | None, key: bytes) -> None:
    """What the token says, as text; the address when there is no token or nothing in it."""
    assert hash_key("claim:customer")(request(facts=facts)) == key


@pytest.mark.parametrize("hash_on", ["ip:x", "header:", "cookie", "colour"])
def test_nothing_to_hash_on(hash_on: str) -> None:
    """Anything else is a mistake, found at load."""
    with pytest.raises(OptionError):
        hash_key(hash_on)
