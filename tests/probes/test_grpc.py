"""The gRPC health protocol, against the server of its authors and against impostors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

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
