"""What the gateway offers, asked for piece by piece with `openssl s_client`: what scanners look at, in a second."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.echo import Echo
from tests.support.gateway import Running, gateway
from tests.support.programs import program, run
from tests.support.tls import Files

CIPHERS = [
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
]
"""Of TLS 1.2, all that Mozilla's "intermediate" allows without DHE."""
WEAK = ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES256-SHA"]
GROUPS = ["X25519", "P-256", "P-384"]


async def issue(directory: Path, kind: str, *key: str) -> Files:
    """A certificate of its own signature for a.example."""
    files = Files(directory / f"{kind}.pem", directory / f"{kind}.key")
    made = ("openssl", "req", "-x509", "-nodes", "-days", "90", "-subj", "/CN=a.example", "-newkey", *key)
    named = ("-addext", "subjectAltName=DNS:a.example", "-keyout", files.key, "-out", files.cert)
    assert (await run(*made, *named)).code == 0
    return files


@asynccontextmanager
async def served(directory: Path, more: str = "") -> AsyncIterator[Running]:
    """Certificates of both kinds for one name."""
    curve = await issue(directory, "ecdsa", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    rsa = await issue(directory, "rsa", "rsa:2048")
    async with Echo("origin") as echo:
        hcl = f"""
        entrypoints "web" {{
          address = "127.0.0.1:0"
          tls {{
            {curve.hcl}
            certificates {{
              {rsa.hcl}
            }}
            {more}
          }}
        }}
        routers "all" {{
          rule    = "PathPrefix(`/`)"
          service = "origin"
        }}
        services "origin" {{ load_balancer {{ servers = [{{ url = "{echo.url}" }}] }} }}
        """
        async with gateway(hcl) as running:
            yield running


async def asked(running: Running, *options: str) -> str:
    """What was agreed on: version, cipher suite and group; empty when nothing was."""
    address = running.gateway.addresses["web"][0]
    command = (program("openssl"), "s_client", "-connect", address, "-servername", "a.example", "-brief", *options)
    ended = await run(*command, environment={"OPENSSL_CONF": "/dev/null"})
    if ended.code:
        return ""
    found = dict(re.findall(r"^(Protocol version|Ciphersuite|Server Temp Key): (.*)$", ended.err, re.MULTILINE))
    return " ".join(found.values())


async def accepted(running: Running, option: str, values: list[str], *more: str) -> list[str]:
    """Those values of an option with which there is a handshake."""
    answers = await asyncio.gather(*(asked(running, *more, option, value) for value in values))
    return [value for value, answer in zip(values, answers, strict=True) if answer]


async def test_versions(tmp_path: Path) -> None:
    """TLS 1.2 and 1.3, nothing older."""
    weakest = ("-cipher", "ALL:@SECLEVEL=0")
    async with served(tmp_path) as running:
        answers = [await asked(running, version, *weakest) for version in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3")]
        assert [answer.split(" ")[0] for answer in answers] == ["", "", "TLSv1.2", "TLSv1.3"]


async def test_cipher_suites(tmp_path: Path) -> None:
    """Forward secrecy and authenticated encryption, for keys of both kinds; nothing else, whatever a client wants."""
    async with served(tmp_path) as running:
        assert await accepted(running, "-cipher", [*CIPHERS, *WEAK], "-tls1_2") == CIPHERS
        suites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
        more = ["TLS_AES_128_CCM_SHA256"]
        assert await accepted(running, "-ciphersuites", [*suites, *more], "-tls1_3") == suites


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_groups(tmp_path: Path, version: str) -> None:
    """Mozilla's three, with either version."""
    async with served(tmp_path) as running:
        assert await accepted(running, "-groups", [*GROUPS, "P-521", "X448"], version) == GROUPS


async def test_the_order_is_ours(tmp_path: Path) -> None:
    """Of what a client of TLS 1.2 offers the gateway chooses."""
    async with served(tmp_path) as running:
        offered = ":".join(reversed(CIPHERS))
        assert (await asked(running, "-tls1_2", "-cipher", offered)).startswith(f"TLSv1.2 {CIPHERS[0]}")


async def test_no_renegotiation(tmp_path: Path) -> None:
    """A client that asks for another handshake within one connection is refused: it would cost only us."""
    async with served(tmp_path) as running:
        address = running.gateway.addresses["web"][0]
        command = ("openssl", "s_client", "-connect", address, "-servername", "a.example", "-tls1_2")
        ended = await run(*command, given=b"R\n")
        assert "no renegotiation" in ended.err
