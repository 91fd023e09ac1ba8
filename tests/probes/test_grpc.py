"""The gRPC health protocol, against the server of its authors and against impostors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.probes.ask import probe
from a3sgw.probes.place import ProbeFailed, Trust
from tests.probes.endpoint import Endpoint, check, target
from tests.support.health_server import NOT_SERVING, SERVING, HealthServer

Start = Callable[..., HealthServer]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a server."""
    servers: list[HealthServer] = []

    def make(**options: Any) -> HealthServer:
        servers.append(HealthServer(**options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


async def ask(port: int, **options: Any) -> None:
    """One probe."""
    await probe(target(f"h2c://127.0.0.1:{port}"), check(mode="grpc", **options), Trust())


async def test_what_the_server_says(start: Start) -> None:
    """Of itself, or of the service that is asked for."""
    server = start()
    server.say("", SERVING)
    server.say("a.B", NOT_SERVING)
    await ask(server.port)
    with pytest.raises(ProbeFailed, match="NOT_SERVING"):
        await ask(server.port, service="a.B")
    server.say("a.B", SERVING)
    await ask(server.port, service="a.B")


async def test_what_the_server_does_not_know(start: Start) -> None:
    """A service it does not have is NOT_FOUND; a server without the protocol is UNIMPLEMENTED."""
    with pytest.raises(ProbeFailed, match="grpc-status 5"):
        await ask(start().port, service="no.Such")
    with pytest.raises(ProbeFailed, match="grpc-status 12"):
        await ask(start(with_health=False).port)


async def test_a_unix_socket(start: Start, tmp_path: Path) -> None:
    """Without TLS."""
    server = start(path=f"{tmp_path}/x.sock")
    server.say("", SERVING)
    await probe(target(f"unix:{tmp_path}/x.sock"), check(mode="grpc"), Trust())


async def test_tls_checks_the_name(start: Start, authority: trustme.CA, ca_file: Path) -> None:
    """As for any other endpoint."""
    certificate = authority.issue_cert("a.example")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    server = start(key_and_chain=(certificate.private_key_pem.bytes(), chain))
    server.say("", SERVING)
    trust = Trust(UpstreamTls.model_validate({"ca_file": str(ca_file)}))
    url = f"https://127.0.0.1:{server.port}"
    await probe(target(url, name="a.example"), check(mode="grpc"), trust)
    with pytest.raises(ProbeFailed, match=r"TLS failed.*b\.example"):
        await probe(target(url, name="b.example"), check(mode="grpc"), trust)


@pytest.fixture
async def leaving() -> AsyncIterator[tuple[int, list[dict[bytes, bytes]]]]:
    """A server that takes leave with its answer; its port, and the header fields it was asked with."""
    asked: list[dict[bytes, bytes]] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http2 = H2Connection(H2Configuration(client_side=False))
        http2.initiate_connection()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                for event in http2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        asked.append({bytes(name): bytes(value) for name, value in event.headers})
                    if isinstance(event, StreamEnded):
                        http2.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
                        http2.send_data(1, b"\0\0\0\0\x02\x08\x01")
                        http2.send_headers(1, [("grpc-status", "0")], end_stream=True)
                        http2.close_connection()
                writer.write(http2.data_to_send())
        writer.close()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], asked
    await asyncio.wait_for(ended.wait(), 20)
    server.close()


async def test_taking_leave_with_the_answer(leaving: tuple[int, list[dict[bytes, bytes]]]) -> None:
    """Is no failure: it has answered. What the operator writes of the header is sent."""
    port, asked = leaving
    await ask(port, headers={"Host": "b.example", "X-Probe": "1"})
    (fields,) = asked
    assert (fields[b":authority"], fields[b"x-probe"], fields[b"te"]) == (b"b.example", b"1", b"trailers")


async def test_those_who_do_not_speak_it(endpoint: Endpoint) -> None:
    """HTTP/1.1, silence, a reset, nobody: each with its reason."""
    with pytest.raises(ProbeFailed, match=r"not HTTP/2|closed before an answer"):
        await ask(endpoint.port)
    endpoint.mode = "hang"
    with pytest.raises(ProbeFailed, match=r"no answer within 0\.05 s"):
        await ask(endpoint.port, timeout=0.05)
    endpoint.mode = "reset"
    with pytest.raises(ProbeFailed, match="connection lost"):
        await ask(endpoint.port)
    endpoint.close()
    with pytest.raises(ProbeFailed, match="cannot connect"):
        await ask(endpoint.port)
