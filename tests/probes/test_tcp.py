"""A connection is enough, unless something has to be said."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.probes.ask import probe
from a3sgw.probes.place import ProbeFailed, Trust
from tests.probes.endpoint import Endpoint, check, settle, target

Speaker = Callable[[bytes, bytes], Awaitable[str]]


@pytest.fixture
async def speaker() -> AsyncIterator[Speaker]:
    """Starts a server that waits for the first bytes, says the second ones one by one, and closes; returns its URL."""
    servers: list[asyncio.Server] = []

    async def start(heard: bytes, said: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readexactly(len(heard))
                for one in said:
                    writer.write(bytes([one]))
                    await writer.drain()
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"tcp://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    await settle()
    for server in servers:
        server.close()


async def test_a_connection_is_enough(endpoint: Endpoint, tmp_path: Path) -> None:
    """Also to an endpoint that says nothing, also on another port, also by Unix socket."""
    await probe(target(endpoint.url), check(mode="tcp"), Trust())
    await probe(target("tcp://127.0.0.1:1"), check(mode="tcp", port=endpoint.port), Trust())
    other = Endpoint()
    await other.open(path=f"{tmp_path}/x.sock")
    await probe(target(f"unix:{tmp_path}/x.sock"), check(mode="tcp"), Trust())
    await other.end()


async def test_send_and_expect(speaker: Speaker) -> None:
    """The answer has to begin so; it may come in pieces and go on."""
    url = await speaker(b"PING\r\n", b"+PONG\r\nand more")
    await probe(target(url), check(mode="tcp", send="PING\r\n", expect="+PONG"), Trust())


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"-ERR no", "answered '-"), (b"+PO", r"closed after '\+PO'"), (b"", "closed after no byte")],
)
async def test_wrong_answers(speaker: Speaker, said: bytes, reason: str) -> None:
    """The reason shows what was said."""
    with pytest.raises(ProbeFailed, match=reason):
        await probe(target(await speaker(b"", said)), check(mode="tcp", expect="+PONG"), Trust())


async def test_no_answer(endpoint: Endpoint) -> None:
    """The time is for everything."""
    with pytest.raises(ProbeFailed, match=r"no answer within 0.05 s"):
        await probe(target(endpoint.url), check(mode="tcp", expect="+PONG", timeout=0.05), Trust())


async def test_a_reset(endpoint: Endpoint) -> None:
    """Somebody who hangs up is not well."""
    endpoint.mode = "reset"
    with pytest.raises(ProbeFailed, match=r"connection lost|closed after"):
        await probe(target(endpoint.url), check(mode="tcp", send="x\r\n\r\n", expect="+PONG"), Trust())


async def test_nobody(endpoint: Endpoint) -> None:
    """Nor is nobody."""
    endpoint.close()
    with pytest.raises(ProbeFailed, match="cannot connect"):
        await probe(target(endpoint.url), check(mode="tcp"), Trust())


async def test_tls_where_endpoints_speak_it(authority: trustme.CA, ca_file: Path) -> None:
    """With `tls` in the load balancer a tcp endpoint is asked with TLS, and its certificate is looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    asked = target(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await probe(asked, check(mode="tcp", expect="220"), Trust(UpstreamTls(ca_file=str(ca_file))))
    with pytest.raises(ProbeFailed, match="TLS failed"):
        await probe(asked, check(mode="tcp"), Trust(UpstreamTls()))
    with pytest.raises(ProbeFailed, match="no answer within"):
        await probe(asked, check(mode="tcp", expect="220", timeout=0.2), Trust())
    await settle()
    server.close()
