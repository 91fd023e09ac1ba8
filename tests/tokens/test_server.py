"""How keys are fetched, and from whom they are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from a3sgw.errors import GatewayError
from a3sgw.options import OptionError
from a3sgw.tokens.keys import PUBLIC, KeySet
from a3sgw.tokens.parse import parse
from a3sgw.tokens.server import LARGEST, KeyServer, check_url
from a3sgw.web import HttpClient
from tests.support.jwks_server import JwksServer
from tests.support.tokens import jwk, token


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """The gateway's own."""
    one = HttpClient()
    await one.open()
    yield one
    await one.close()


async def fetch(client: HttpClient, url: str, **more: Any) -> KeySet:
    """What comes from there."""
    return await KeyServer(client, url, PUBLIC, timeout=5, **more).fetch()


async def test_a_key_set(client: HttpClient) -> None:
    """Is fetched from its address."""
    async with JwksServer(jwk("RSA", "k")) as server:
        found = await fetch(client, server.jwks_uri)
        assert found.verifies(parse(token(key="RSA", kid="k")))
        assert (found.issuer, server.requests[0].get(b"accept")) == ("", b"application/json")


@pytest.mark.parametrize("tail", ["", "/", "/.well-known/openid-configuration"])
async def test_discovery(client: HttpClient, tail: str) -> None:
    """The provider says where its keys are, and who it is."""
    async with JwksServer(jwk("RSA", "k")) as server:
        for issuers in ((), (server.issuer,), ("https://other", server.issuer)):
            found = await fetch(client, server.url + tail, discovery=True, issuers=issuers)
            assert found.verifies(parse(token(key="RSA", kid="k")))
            assert found.issuer == server.issuer
        with pytest.raises(GatewayError, match="another issuer"):
            await fetch(client, server.url, discovery=True, issuers=("https://other",))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"issuer": "a"}', b'{"jwks_uri": "http://127.0.0.1/"}', b"[" * 9000]
    + [b'{"issuer": %b, "jwks_uri": %b}' % pair for pair in ((b"1", b'"http://127.0.0.1/"'), (b'""', b'"x"'))]
    + [b'{"issuer": "a", "jwks_uri": ["http://127.0.0.1/"]}'],
)
async def test_providers_that_say_nothing(client: HttpClient, body: bytes) -> None:
    """A document without both is none."""
    async with JwksServer() as server:
        server.body = body
        with pytest.raises(GatewayError):
            await fetch(client, server.url, discovery=True)
        assert server.fetches == 0


@pytest.mark.parametrize("where", ["http://keys.example/jwks", "file:///etc/passwd", "/jwks", "http://u:p@127.0.0.1/"])
async def test_providers_that_point_elsewhere(client: HttpClient, where: str) -> None:
    """Keys come over https, or from this machine."""
    async with JwksServer() as server:
        server.jwks_uri = where
        with pytest.raises(OptionError):
            await fetch(client, server.url, discovery=True)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 401, 404, 500, 503])
async def test_answers_without_keys(client: HttpClient, status: int) -> None:
    """Whatever is not 200 is a failure; redirects are not followed."""
    async with JwksServer(jwk("RSA")) as server:
        server.status = status
        with pytest.raises(GatewayError):
            await fetch(client, server.jwks_uri)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"keys": []}', b" " * (LARGEST + 1)], ids=lambda body: "body")
async def test_answers_that_are_no_key_sets(client: HttpClient, body: bytes) -> None:
    """Neither are these."""
    async with JwksServer() as server:
        server.body = body
        with pytest.raises((GatewayError, ValueError)):
            await fetch(client, server.jwks_uri)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://login.example/jwks", ""),
        ("https://login.example:8443/jwks?v=1", ""),
        ("http://127.0.0.1:8080/jwks", ""),
        ("http://[::1]/jwks", ""),
        ("http://localhost/jwks", ""),
        ("http://idp.localhost/jwks", ""),
        ("http://login.example/jwks", "exchanged"),
        ("http://localhost.example/jwks", "exchanged"),
        ("http://10.0.0.1/jwks", "exchanged"),
        ("https://user:password@login.example/", "password"),
        ("ftp://login.example/", "no address"),
        ("login.example/jwks", "no address"),
        ("https://", "no address"),
        ("https:///jwks", "no address"),
        ("https://login.example/ä", "no address"),
        ("https://login.example/\n", "no address"),
        ("https://login.example/a b", "no address"),
        ("https://[::1/", "no address"),
    ],
)
def test_addresses(url: str, complaint: str) -> None:
    """Only ones that keys can be believed from."""
    if not complaint:
        assert check_url(url) == url
        return
    with pytest.raises(OptionError, match=complaint):
        check_url(url)


def test_networks_one_trusts() -> None:
    """Plain http may be allowed."""
    assert check_url("http://keycloak:8080/certs", insecure=True)
