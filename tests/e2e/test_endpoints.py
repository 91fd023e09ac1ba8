"""Endpoints of every kind, and how requests are shared among them."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.gateway import config, gateway, stage
from tests.support.origin import OK, Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


async def test_a_unix_socket(tmp_path: Path) -> None:
    """`unix:/path` is spoken to in HTTP, with the client's Host."""
    async with Origin(str(tmp_path / "app.sock")) as origin, gateway(config(origin.url)) as running:
        origin.always()
        assert (await running.ask(GET)).body == b"ok"
        assert origin.requests[0].get(b"host") == b"a.example"
    assert running.records[0]["endpoint"] == origin.url


async def test_a_unix_socket_that_is_missing(tmp_path: Path) -> None:
    """A socket nobody listens on is an endpoint that cannot be reached."""
    async with gateway(config(f"unix:{tmp_path}/nobody.sock")) as running:
        assert (await running.ask(GET)).status == 502


async def test_an_entrypoint_on_a_unix_socket(tmp_path: Path) -> None:
    """A client without an address is forwarded without one."""
    async with Origin() as origin:
        hcl = config(origin.url).replace("127.0.0.1:0", f"unix:{tmp_path}/in.sock")
        async with gateway(hcl) as running:
            origin.always()
            assert (await running.ask(GET)).body == b"ok"
            assert b"x-forwarded-for" not in origin.requests[0].names
            assert origin.requests[0].get(b"x-forwarded-host") == b"a.example"


@pytest.mark.parametrize(("passes", "host"), [("true", b"a.example"), ("false", None)])
async def test_the_host_that_endpoints_see(passes: str, host: bytes | None) -> None:
    """With `pass_host_header = false` it is the endpoint's own; the client's stays in X-Forwarded-Host."""
    async with stage(balancer=f"pass_host_header = {passes}") as on:
        seen = await on.forwarded(GET)
        assert seen.get(b"host") == (host or b"127.0.0.1:%d" % on.origin.port)
        assert seen.get(b"x-forwarded-host") == b"a.example"


# Sharing...


async def shares(*weights: int, requests: int, strategy: str = "") -> list[int]:
    """How many of `requests` each of these endpoints got."""
    async with AsyncExitStack() as stack:
        origins = [await stack.enter_async_context(Origin()) for _ in weights]
        servers = [f'{{ url = "{one.url}", weight = {weight} }}' for one, weight in zip(origins, weights, strict=True)]
        running = await stack.enter_async_context(gateway(config(*servers, balancer=strategy)))
        for one in origins:
            one.always()
        wire = await running.connect()
        for _ in range(requests):
            await wire.send(GET)
            assert (await wire.message()).status == 200
        return [len(one.requests) for one in origins]


async def test_everyone_in_turn() -> None:
    """Round-robin shares equally, to the request."""
    assert await shares(1, 1, 1, requests=30) == [10, 10, 10]


async def test_by_weight_exactly() -> None:
    """Over any window of sum(weights) requests each endpoint gets exactly its weight; weight 0 gets none."""
    assert await shares(5, 2, 1, 0, requests=8) == [5, 2, 1, 0]
    assert await shares(5, 2, 1, 0, requests=24, strategy='strategy = "weighted"') == [15, 6, 3, 0]


# TLS...


@asynccontextmanager
async def secure_origin(certificate: trustme.LeafCert) -> AsyncIterator[tuple[int, list[str | None]]]:
    """An https server with this certificate; its port, and the names clients asked for."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.sni_callback = lambda _, name, __: names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(OK)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], names
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority nobody else knows."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate, as operators name it."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


async def test_a_certificate_that_is_right(authority: trustme.CA, ca_file: Path) -> None:
    """With `ca_file` the endpoint is believed, asked for by its name, and its connection kept."""
    async with secure_origin(authority.issue_cert("localhost")) as (port, names):
        hcl = config(f"https://localhost:{port}", balancer=f'tls {{ ca_file = "{ca_file}" }}')
        async with gateway(hcl) as running:
            for _ in range(3):
                assert (await running.ask(GET)).body == b"ok"
        assert names == ["localhost"]


@pytest.mark.parametrize(
    ("issued_to", "tls", "status"),
    [
        ("localhost", "", 502),
        ("other.example", 'tls { ca_file = "CA" }', 502),
        ("other.example", 'tls {\n ca_file = "CA"\n server_name = "other.example"\n}', 200),
        ("localhost", 'tls {\n ca_file = "CA"\n server_name = "other.example"\n}', 502),
        ("other.example", "tls { insecure_skip_verify = true }", 200),
    ],
    ids=["unknown authority", "wrong name", "server_name", "wrong server_name", "insecure"],
)
async def test_certificates_are_checked(
    authority: trustme.CA, ca_file: Path, issued_to: str, tls: str, status: int
) -> None:
    """Authority and name count unless the operator says otherwise; a wrong one is 502 and says no internals."""
    async with secure_origin(authority.issue_cert(issued_to)) as (port, names):
        hcl = config(f"https://localhost:{port}", balancer=tls.replace("CA", str(ca_file)))
        async with gateway(hcl) as running:
            answer = await running.ask(GET)
            assert answer.status == status
            assert b"ertificate" not in answer.body
        assert names == ["other.example" if "server_name" in tls else "localhost"]
    assert ("TLS" in running.records[0]["error"]) == (status == 502)


async def test_an_endpoint_by_address(authority: trustme.CA, ca_file: Path) -> None:
    """A certificate for an IP address is checked as one."""
    async with secure_origin(authority.issue_cert("127.0.0.1")) as (port, _):
        hcl = config(f"https://127.0.0.1:{port}", balancer=f'tls {{ ca_file = "{ca_file}" }}')
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).status == 200


async def test_plain_http_is_no_https() -> None:
    """An https endpoint that speaks plain HTTP is 502."""
    async with Origin() as origin, gateway(config(origin.url.replace("http:", "https:"))) as running:
        client = await running.connect()
        await client.send(GET)
        there = await origin.accept()
        await there.more()
        await there.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert (await client.message()).status == 502


async def test_a_handshake_that_never_ends() -> None:
    """`connect_timeout` includes the TLS handshake: 504."""
    async with Origin() as origin:
        hcl = config(origin.url.replace("http:", "https:"), balancer='connect_timeout = "200ms"')
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).status == 504


async def test_large_bodies_over_tls(authority: trustme.CA, ca_file: Path) -> None:
    """Uploads larger than any buffer arrive whole."""
    seen: Counter[str] = Counter()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen["bytes"] = len(await reader.readexactly(8_000_000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    hcl = config(f"https://localhost:{port}", balancer=f'tls {{ ca_file = "{ca_file}" }}')
    async with gateway(hcl) as running:
        wire = await running.connect()
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n", bytes(8_000_000))
        assert len((await wire.message()).body) == 8_000_000
    assert seen["bytes"] == 8_000_000
    server.close()
