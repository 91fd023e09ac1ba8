"""Where keys come from, and that new ones are told of."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from a3sgw.options import OptionError
from a3sgw.tokens.keys import PUBLIC, KeySet, from_jwks
from a3sgw.tokens.parse import parse
from a3sgw.tokens.server import KeyServer
from a3sgw.tokens.source import FileSource, Pace, ServerSource, Source, authorities
from a3sgw.web import HttpClient
from tests.support.echo import SecureEcho
from tests.support.jwks_server import JwksServer
from tests.support.live import until
from tests.support.tokens import jwk, key_set, token


def read(content: bytes) -> KeySet:
    """As a key set."""
    return from_jwks(content, PUBLIC)


def replace(path: Path, content: bytes) -> None:
    """As an operator's tools do; never within the same clock tick."""
    path.write_bytes(content)
    os.utime(path, ns=(0, path.stat().st_size))


async def test_what_stays() -> None:
    """Keys of a secret are what they are."""
    source = Source(read(key_set(jwk("RSA", "1"))))
    await source.open()
    assert source.keys.verifies(parse(token(key="RSA", kid="1")))
    assert source.remote is None
    await source.close()


async def test_a_file(tmp_path: Path) -> None:
    """Is read again; when it is broken, what it said before stays."""
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(jwk("RSA", "1")))
    changes: list[bool] = []
    words: list[str] = []
    source = FileSource(path, read, "jwks_file", lambda: changes.append(bool(source.keys)), words.append)
    await source.open()
    await source.close()
    watched = source._file
    replace(path, key_set(jwk("RSA 2", "2")))
    await watched.look()
    assert changes == [True]
    assert source.keys.verifies(parse(token(key="RSA 2", kid="2"))) is True
    assert source.keys.verifies(parse(token(key="RSA", kid="1"))) is None
    replace(path, b"{")
    await watched.look()
    assert (changes, words) == ([True], ["keys_failed"])
    assert source.keys.verifies(parse(token(key="RSA 2", kid="2"))) is True
    assert source.remote is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Says which option it is about."""
    with pytest.raises(OptionError, match="cannot read") as caught:
        FileSource(tmp_path / "none", read, "jwks_file", lambda: None, lambda word: None)
    assert caught.value.key == "jwks_file"


def server_source(
    url: str, tls: ssl.SSLContext | None = None, changed: Callable[[], None] = lambda: None
) -> ServerSource:
    """Keys that are published there."""

    def make(client: HttpClient) -> KeyServer:
        return KeyServer(client, url, PUBLIC, timeout=5)

    return ServerSource(make, tls, Pace(600, 0.05, 5), changed, lambda word: None)


async def test_a_server() -> None:
    """Is asked when it is opened and when a key is not known, and no more when it is closed."""
    async with JwksServer(jwk("RSA", "1")) as server:
        changes: list[int] = []
        source = server_source(server.jwks_uri, changed=lambda: changes.append(1))
        assert not source.keys
        await source.open()
        assert source.keys.verifies(parse(token(key="RSA", kid="1")))
        server.publish(jwk("RSA 2", "2"))
        assert await source.remote.newer(parse(token(key="RSA 2", kid="2"))) is True
        assert source.keys.verifies(parse(token(key="RSA", kid="1"))) is None
        assert len(changes) == 2
        await source.close()
        assert server.fetches == 2
        await until(lambda: "keys of tokens" not in {one.get_name() for one in asyncio.all_tasks()}, "nobody fetches")


async def test_a_server_over_tls(tmp_path: Path) -> None:
    """Its certificate is from an authority of one's own; from others, nothing is taken."""
    ours, others = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.issue_cert("127.0.0.1").configure_cert(tls)
    async with SecureEcho("IDP", tls) as server:
        for authority, why in ((ours, "no key set"), (others, "cannot connect")):
            path = tmp_path / "ca.pem"
            authority.cert_pem.write_to_path(str(path))
            source = server_source(f"https://127.0.0.1:{server.port}/", authorities(path, "jwks_ca_file"))
            await source.open()
            assert why in repr(source.remote), "what it says is no key set, but it was heard"
            await source.close()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authorities_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    """Say which option it is about."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OptionError, match="cannot use") as caught:
        authorities(path, "jwks_ca_file")
    assert caught.value.key == "jwks_ca_file"
