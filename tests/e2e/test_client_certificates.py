"""Client certificates in real handshakes: what rules, header fields and the log make of them."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from a3sgw import load_config
from tests.support.echo import Echo, echoed
from tests.support.gateway import Running, config, gateway
from tests.support.live import free_port
from tests.support.secure import ask, believing_all, secure_wire
from tests.support.wire import Message

AUTHORITY, OTHER = trustme.CA(), trustme.CA()
DEVICE = AUTHORITY.issue_cert("device.example", common_name="device-7", organization_name="Example")
STRANGER = OTHER.issue_cert("device.example", common_name="device-7")
CERTIFICATE = "x-forwarded-tls-client-cert"


@asynccontextmanager
async def secured(directory: Path, mode: str, rule: str = "PathPrefix(`/`)") -> AsyncIterator[tuple[Running, str]]:
    """A gateway that asks for certificates in this mode, with a second entrypoint without TLS; and its address."""
    AUTHORITY.cert_pem.write_to_path(str(directory / "ca.pem"))
    files = f'ca_files = ["{directory / "ca.pem"}"]' if "verify" in mode else ""
    entrypoint = f"""
    tls {{
      self_signed = true
      client_auth {{
        mode = "{mode}"
        {files}
      }}
    }}
    """
    more = """
    entrypoints "plain" { address = "127.0.0.1:0" }
    middlewares "certificate" {
      type = "pass-tls-client-cert"
      pem  = true
    }
    """
    async with Echo("app") as app:
        hcl = config(app.url, rule=rule, entrypoint=entrypoint, router='middlewares = ["certificate"]', more=more)
        async with gateway(hcl) as running:
            yield running, running.gateway.addresses["web"][0]


def fields(answer: Message) -> dict[str, Any]:
    """What the endpoint got."""
    assert answer.status == 200
    found: dict[str, Any] = echoed(answer)["fields"]
    return found


async def test_a_verified_certificate(tmp_path: Path) -> None:
    """The endpoint gets it, rules choose by it, and the log names the client, on each request of the connection."""
    async with secured(tmp_path, "require-and-verify", "ClientCert(`subject.common_name`, `device-7`)") as (
        on,
        address,
    ):
        async with secure_wire(address, believing_all(DEVICE)) as wire:
            for _ in range(2):
                await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Tls-Client-Cert: mine\r\n\r\n")
                told = fields(await wire.message())
                assert b64decode(told[CERTIFICATE]) == ssl.PEM_cert_to_DER_cert(
                    DEVICE.cert_chain_pems[0].bytes().decode()
                )
        with pytest.raises((OSError, EOFError)):
            await ask(address, believing_all())
        with pytest.raises((OSError, EOFError)):
            await ask(address, believing_all(STRANGER))
        clear = await on.connect("plain")
        await clear.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (await clear.message()).status == 404
    assert len(on.records) == 3
    for line in on.records[:2]:
        assert line["tls_version"] == "TLSv1.3"
        assert re.fullmatch("CN=device-7,OU=[^,]*,O=Example", line["tls_client_subject"])
        assert line["tls_cipher"].startswith("TLS_")
        assert line["identity"] == "device-7"
    assert not {"tls_version", "tls_cipher", "tls_client_subject", "identity"} & on.records[2].keys()


async def test_one_that_is_not_verified(tmp_path: Path) -> None:
    """It is passed on to be looked at, and says nothing about who it is: anybody can make one with any name."""
    async with secured(tmp_path, "require", "!ClientCert(`subject.common_name`, `device-7`)") as (on, address):
        told = fields(await ask(address, believing_all(STRANGER)))
        assert b64decode(told[CERTIFICATE]) == ssl.PEM_cert_to_DER_cert(STRANGER.cert_chain_pems[0].bytes().decode())
    assert on.records[0]["tls_version"] == "TLSv1.3"
    assert not {"tls_client_subject", "identity"} & on.records[0].keys()


async def test_no_certificate(tmp_path: Path) -> None:
    """Where none is needed, the endpoint is told of none, whatever the client writes."""
    async with secured(tmp_path, "verify-if-given") as (on, address):
        told = fields(await ask(address, believing_all(), b"X-Forwarded-Tls-Client-Cert: mine\r\n"))
        assert CERTIFICATE not in told
    assert not {"tls_client_subject", "identity"} & on.records[0].keys()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_that_comes_back(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """With a session ticket the handshake is shorter, and the certificate is the one of the first."""
    rule = "ClientCert(`subject.common_name`, `device-7`)"
    async with secured(tmp_path, "require-and-verify", rule) as (_, address):
        context = believing_all(DEVICE)
        context.minimum_version = context.maximum_version = version
        answers, resumed = await asyncio.to_thread(twice, address, context)
        assert [b"200" in answer.split(b"\r\n")[0] for answer in answers] == [True, True]
        assert resumed


def twice(address: str, context: ssl.SSLContext) -> tuple[list[bytes], bool]:
    """Two connections, the second with the session of the first; the answers, and whether it was taken."""
    host, _, port = address.rpartition(":")
    answers: list[bytes] = []
    session: ssl.SSLSession | None = None
    for _ in range(2):
        with (
            socket.create_connection((host, int(port)), 5) as raw,
            context.wrap_socket(raw, server_hostname="a.example", session=session) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            answers.append(connection.recv(65536))
            session, reused = connection.session, bool(connection.session_reused)
    return answers, reused


async def test_tls_comes_and_goes() -> None:
    """A reload that gives an entrypoint TLS, or takes it away, has the log say so, for routes and for what has none."""
    async with Echo("app") as app:
        place = f"127.0.0.1:{free_port()}"
        plain, secure = (
            config(app.url, rule="Path(`/`)", entrypoint=tls).replace("127.0.0.1:0", place)
            for tls in ("", "tls { self_signed = true }")
        )
        async with gateway(plain) as on:
            for hcl in (secure, plain):
                log = on.gateway.config().access_log
                assert await on.gateway.reload(load_config(hcl).model_copy(update={"access_log": log}))
                for target in (b"/", b"/none"):
                    request = b"GET %b HTTP/1.1\r\nHost: a.example\r\n\r\n" % target
                    if hcl is plain:
                        await on.ask(request)
                    else:
                        async with secure_wire(place, believing_all()) as wire:
                            await wire.send(request)
                            await wire.message()
    assert [line["status"] for line in on.records] == [200, 404, 200, 404]
    assert ["tls_version" in line for line in on.records] == [True, True, False, False]
