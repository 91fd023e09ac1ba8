"""What a server that judges requests is told, and what of its answer may be used."""

from __future__ import annotations

import pytest

from a3sgw.http.consult import Selection, cookie_name, question, usable
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.options import OptionError


def request(*lines: bytes, managed: list[tuple[bytes, bytes]] | None = None) -> Request:
    """GET http://foo.bar/path?q=1 from 192.0.2.1 with these fields."""
    made = Request()
    made.headers = Headers(b"".join(line + b"\r\n" for line in (b"Host: foo.bar", *lines)))
    made.authority, made.target, made.client_ip = b"foo.bar", b"/path?q=1", "192.0.2.1"
    made.managed = managed
    return made


TOLD = {
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "foo.bar",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Uri": "/path?q=1",
    "X-Forwarded-For": "192.0.2.1",
}
SAID = [
    (b"x-forwarded-host", b"fii.bir"),
    (b"x-forwarded-uri", b"/forward?q=1"),
    (b"x-forwarded-method", b"PUT"),
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"x-forwarded-host", b"second"),
]


def test_what_is_told() -> None:
    """All fields but those that frame or are about the body, and where the request was going."""
    asked = request(b"Accept: a", b"Content-Type: text/x", b"Content-Length: 1", b"X-Forwarded-User: root")
    assert question(asked, Selection(), False, False) == [("Accept", "a"), *TOLD.items()]
    with_body = question(asked, Selection(), True, False)
    assert with_body == [("Accept", "a"), ("Content-Type", "text/x"), *TOLD.items()]


def test_what_is_told_of_another_scheme() -> None:
    """The port is the one of the address, or the scheme's."""
    asked = request()
    asked.scheme = b"https"
    assert dict(question(asked, Selection(), False, False))["X-Forwarded-Port"] == "443"
    asked.authority = b"[::1]:8443"
    assert dict(question(asked, Selection(), False, False))["X-Forwarded-Port"] == "8443"


@pytest.mark.parametrize(
    ("believed", "trusted", "host", "uri"),
    [
        (True, True, "fii.bir", "/forward?q=1"),
        (True, False, "foo.bar", "/path?q=1"),
        (False, True, "foo.bar", "/path?q=1"),
    ],
)
def test_what_a_proxy_in_front_has_said(believed: bool, trusted: bool, host: str, uri: str) -> None:
    """Only if the operator says so, and only of a peer that is trusted; the address is never taken from there."""
    asked = request(managed=SAID)
    asked.trusted = trusted
    said = question(asked, Selection(), False, believed)
    found = dict(said)
    assert len(found) == len(said)
    assert (found["X-Forwarded-Host"], found["X-Forwarded-Uri"]) == (host, uri)
    assert found["X-Forwarded-For"] == "192.0.2.1"
    assert found["X-Forwarded-Proto"] == "http"


def test_chosen_fields() -> None:
    """By name or expression; what is not there is not made up."""
    asked = request(b"X-CustomHeader: 1", b"Accept: a", b"X-Tenant-Id: 2", b"User-Agent: u")
    assert question(asked, Selection(["x-customheader", "X-None"]), False, False) == [
        ("X-CustomHeader", "1"),
        *TOLD.items(),
    ]
    assert question(asked, Selection([], "^x-tenant-"), False, False) == [("X-Tenant-Id", "2"), *TOLD.items()]


def test_selection() -> None:
    """Without regard to case and to what stands between words."""
    chosen = Selection(["X-User"], "^X-Auth-")
    for name in (b"x-user", b"X_USER", b"x-auth-a", b"X_Auth-a", b"X-AUTH_A"):
        assert name in chosen
        headers = Headers(name + b": root\r\nX: 1\r\n")
        chosen.remove(headers)
        assert list(headers) == [(b"X", b"1")]
    for name in (b"X-Users", b"X-Auth", b"Y-X-Auth-a"):
        assert name not in chosen
    assert not Selection()
    assert Selection(["a"])
    assert Selection([], "a")


def test_what_a_selection_never_touches() -> None:
    """Framing of a request stays, and that of an answer is not taken, whatever the expression says."""
    everything = Selection([], ".")
    headers = Headers(b"Host: a\r\nContent-Length: 1\r\nX: 1\r\n")
    everything.remove(headers)
    assert [name for name, _ in headers] == [b"Host", b"Content-Length"]
    names = (
        b"Host",
        b"Content_Length",
        b"Connection",
        b"X-Forwarded-For",
        b"x_real_ip",
        b"X-Request-Id",
        b"Date",
        b"X",
    )
    assert list(everything.take((name, b"1") for name in names)) == [(b"X", b"1")]
    assert list(Selection(["X-Real-Ip"]).take([(b"x-real-ip", b"1")])) == [(b"x-real-ip", b"1")]


@pytest.mark.parametrize("expression", ["X-(", "(?-i)X", "(?s-i:X)", "X_A", "(?=X)"])
def test_expressions_that_cannot_be_used(expression: str) -> None:
    """Broken ones, and those a client could go around by the case of letters or an underscore."""
    with pytest.raises(OptionError):
        Selection([], expression)


def test_usable() -> None:
    """One line each, and nothing about the answer's connection."""
    fields = [
        (b"Connection", b"close, X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"1"),
        (b"Content-Length", b"1"),
        (b"X-User", b"a\r\nX-Admin: 1"),
        (b"Bad Name", b"1"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
    ]
    assert usable(fields) == [(b"X-User", b"a%0D%0AX-Admin: 1"), (b"Set-Cookie", b"a"), (b"Set-Cookie", b"b")]


def test_cookie_names() -> None:
    """As clients read them (RFC 6265 §5.2)."""
    lines = (b"a=1; Path=/", b" a =1", b"a", b"a; b=1", b"=1")
    assert [cookie_name(line) for line in lines] == [b"a", b"a", b"a", b"a", b""]
