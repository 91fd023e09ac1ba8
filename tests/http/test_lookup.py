"""Pieces of a request by name."""

from __future__ import annotations

from hashlib import sha256

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.lookup import NAMES, as_text, claim, lookup
from a3sgw.http.message import Request
from a3sgw.http.secured import Secured
from a3sgw.options import OptionError
from tests.support.certificates import der, dns

CLAIMS = {"sub": "u1", "a.b": "dotted", "realm": {"roles": ["x", "y"], "n": 3}, "admin": True, "none": None}


def asked() -> Request:
    request = Request()
    request.method, request.host, request.scheme = b"POST", b"a.example", b"https"
    request.path, request.query, request.target = b"/a/b", b"x=1&xy=2&x=3&e=", b"/a/b?x=1&xy=2&x=3&e="
    request.client_ip, request.peer_ip, request.id = "192.0.2.1", "10.0.0.1", b"id"
    request.headers = Headers(b"X-A: one\r\nX-A: two\r\nCookie: n=1; sid=abc; SID=no\r\nCookie: sid=late\r\n")
    request.captures = {"world": "earth", "*": "r/s"}
    request.facts = {"claims": CLAIMS, "identity": "ada", "api_key": {"plan": "gold"}}
    return request


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ip", b"192.0.2.1"),
        ("peer_ip", b"10.0.0.1"),
        ("host", b"a.example"),
        ("method", b"POST"),
        ("scheme", b"https"),
        ("path", b"/a/b"),
        ("query", b"x=1&xy=2&x=3&e="),
        ("target", b"/a/b?x=1&xy=2&x=3&e="),
        ("request_id", b"id"),
        ("identity", b"ada"),
        ("header:X-A", b"one"),
        ("header.x-a", b"one"),
        ("header:host", b"a.example"),
        ("header:X-None", b""),
        ("cookie:sid", b"abc"),
        ("cookie:none", b""),
        ("query:x", b"1"),
        ("query:y", b""),
        ("query:e", b""),
        ("path.world", b"earth"),
        ("path.*", b"r/s"),
        ("path.none", b""),
        ("claim.sub", b"u1"),
        ("claim:a.b", b"dotted"),
        ("claim.realm.roles", b"x,y"),
        ("claim.realm.n", b"3"),
        ("claim.realm.none", b""),
        ("claim.sub.more", b""),
        ("claim.admin", b"true"),
        ("claim.none", b""),
        ("api_key:plan", b"gold"),
        ("api_key.none", b""),
    ],
)
def test_names(name: str, value: bytes) -> None:
    """Each finds the first of what it names, or nothing."""
    assert lookup(name)(asked()) == value


VERIFIED = der("C=FR,O=One+ Two,O=Three,CN=device-7", "CN=authority", dns(["a.example"]), 4711)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tls.version", b"TLSv1.3"),
        ("tls:cipher", b"TLS_AES_256_GCM_SHA384"),
        ("tls.server_name", b"www.example"),
        ("tls.alpn", b"h2"),
        ("tls.client.identity", b"device-7"),
        ("tls:client.subject.common_name", b"device-7"),
        ("tls.client.subject.organization", b"One%2C Two,Three"),
        ("tls.client.subject.locality", b""),
        ("tls.client.issuer.common_name", b"authority"),
        ("tls.client.san", b"a.example"),
        ("tls.client.serial_number", b"4711"),
    ],
)
def test_tls(name: str, value: bytes) -> None:
    """What a verified certificate says counts; what another one says does not, nor what a plain connection claims."""
    request = Request()
    find = lookup(name)
    assert find(request) == b""
    facts = ("www.example", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "h2")
    request.secured = Secured(None, *facts, VERIFIED, True)
    assert find(request) == value
    for other in (Secured(None, *facts, VERIFIED), Secured(None, *facts), Secured(None, *facts, b"garbage", True)):
        request.secured = other
        assert find(request) == (b"" if "client" in name else value)


def test_fingerprint() -> None:
    """SHA-256 of the whole certificate."""
    request = Request()
    request.secured = Secured(None, certificate=VERIFIED, verified=True)
    assert lookup("tls.client.fingerprint")(request) == sha256(VERIFIED).hexdigest().encode()


def test_tls_names_that_are_none() -> None:
    """The message lists those there are."""
    for name, help in (
        ("tls", 'write "tls:name"'),
        ("tls.client", "use one of tls.version, tls.cipher, tls.server_name, tls.alpn, tls.client.…"),
        ("tls.x", "use one of tls.version, tls.cipher, tls.server_name, tls.alpn, tls.client.…"),
        ("tls.client.x", "use one of subject.…, issuer.…, san, serial_number, fingerprint"),
    ):
        with pytest.raises(OptionError) as caught:
            lookup(name)
        assert caught.value.help == help


@pytest.mark.parametrize("name", ["claim.sub", "identity", "api_key.x", "path.x", "cookie:a", "header:a", "query:a"])
def test_a_request_that_has_nothing(name: str) -> None:
    """Is no error."""
    assert lookup(name)(Request()) == b""


@pytest.mark.parametrize("name", ["", "ipp", "header", "cookie", "claim", "ip:1", "header:", "Header:X", "host.x"])
def test_names_that_are_none(name: str) -> None:
    """They are refused at load, and the message lists those there are."""
    with pytest.raises(OptionError) as caught:
        lookup(name)
    assert caught.value.help in (f"use one of {', '.join(NAMES)}", f'write "{name}:name"')


def test_claims_as_text() -> None:
    """What is no text is JSON."""
    assert as_text({"a": [1]}) == '{"a":[1]}'
    assert as_text(["a", 1]) == '["a",1]'
    assert claim("no map", "a") is None
