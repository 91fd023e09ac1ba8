"""The control plane's HTTP client and server, against each other and against raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from a3sgw.errors import BindError
from a3sgw.web import (
    HttpClient,
    WebConnectError,
    WebError,
    WebRequest,
    WebResponse,
    WebServer,
    WebTimeout,
    WebTooLarge,
    error_response,
    json_response,
)

Raw = Callable[[bytes], Awaitable[tuple[str, list[bytes]]]]


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """An open client."""
    made = HttpClient()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    """Starts a server that answers every request with given bytes; returns its address and what it received."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> tuple[str, list[bytes]]:
        received: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    received.append(await reader.readuntil(b"\r\n\r\n"))
                    writer.write(answer)
                    await writer.drain()
            except asyncio.IncompleteReadError:
                writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}", received

    yield start
    for server in servers:
        server.close()


async def test_the_client_adds_only_host(client: HttpClient, raw: Raw) -> None:
    """The request is what the caller said plus Host: no Accept, no User-Agent, no Content-Type."""
    url, received = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    answer = await client.request(
        "GET", url + "/a%2fb?q=%C3%A9+%7e", [(b"X-A", "1"), ("X-A", b"\xc3\xa9")], timeout=10, max_bytes=10
    )
    assert (answer.status, answer.body) == (200, b"ok")
    lines = received[0].split(b"\r\n")
    assert lines[0] == b"GET /a%2fb?q=%C3%A9+%7e HTTP/1.1"
    assert sorted(lines[1:]) == [b"", b"", b"Host: " + url[7:].encode(), b"X-A: 1", b"X-A: \xc3\xa9"]


async def test_redirects_cookies_and_encodings_are_left_alone(client: HttpClient, raw: Raw) -> None:
    """A redirect is an answer, a cookie is not kept, a compressed body stays compressed, headers come raw."""
    url, received = await raw(
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nX-Raw: \xff\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    )
    for _ in range(2):
        named = url.replace("127.0.0.1", "localhost")  # cookies of bare addresses are dropped by any jar
        answer = await client.request("GET", named, timeout=10, max_bytes=10)
        assert (answer.status, answer.body, answer.get(b"location")) == (302, b"abc", b"/x")
    assert (b"Set-Cookie", b"a=1; Path=/") in answer.headers
    assert (b"set-cookie", b"b=2") in answer.headers
    assert (b"X-Raw", b"\xff") in answer.headers
    assert len(received) == 2
    assert b"cookie" not in received[1].lower()


async def test_client_errors(client: HttpClient, raw: Raw, tmp_path: Path) -> None:
    """Every failure is a WebError that says which kind: unreachable, late, too large, not HTTP, not sendable."""
    large, _ = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890")
    silent, _ = await raw(b"")
    garbage, _ = await raw(b"SMTP ready\r\n\r\n")
    with pytest.raises(WebTooLarge):
        await client.request("GET", large, timeout=10, max_bytes=10)
    cut = await client.request("GET", large, timeout=10, max_bytes=10, whole=False)
    assert (cut.status, cut.body) == (200, b"0123456789")
    with pytest.raises(WebTimeout):
        await client.request("GET", silent, timeout=0.05, max_bytes=10)
    with pytest.raises(WebConnectError):
        await client.request("GET", "http://127.0.0.1:1", timeout=10, max_bytes=10)
    with pytest.raises(WebError):
        await client.request("GET", garbage, timeout=10, max_bytes=10)
    for header in ((b"X-A", b"a\r\nX-B: b"), (b"X-A", b"\xff")):
        with pytest.raises(WebError):
            await client.request("GET", large, [header], timeout=10, max_bytes=20)
    with pytest.raises(WebError):
        await client.request("GET", "no address", timeout=10, max_bytes=10)
    with pytest.raises(WebError):
        await HttpClient().request("GET", large, timeout=10, max_bytes=20)
    missing = HttpClient(unix_path=str(tmp_path / "none"))
    await missing.open()
    with pytest.raises(WebConnectError):
        await missing.request("GET", "http://x/", timeout=10, max_bytes=20)
    await missing.close()


async def echo(request: WebRequest) -> WebResponse:
    """Answers with what it understood."""
    if request.query == "fail":
        raise RuntimeError("secret")
    return json_response([request.method, request.path, request.query, request.body.decode()])


async def test_server_routes(client: HttpClient) -> None:
    """GET, HEAD and POST reach their handlers; an unknown path is 404, a wrong method 405 with Allow."""
    server = WebServer({("GET", "/echo"): echo, ("POST", "/echo"): echo})
    base = "http://" + await server.open("127.0.0.1:0")

    async def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, bytes | None]:
        answer = await client.request(method, base + path, body=body, timeout=10, max_bytes=1000)
        return answer.status, answer.body, answer.get(b"allow")

    assert await ask("GET", "/echo?a=%41") == (200, b'["GET", "/echo", "a=%41", ""]\n', None)
    assert await ask("POST", "/echo", b"body") == (200, b'["POST", "/echo", "", "body"]\n', None)
    assert await ask("HEAD", "/echo") == (200, b"", None)
    assert await ask("GET", "/none") == (404, b'{"error": {"status": 404, "message": "nothing at /none"}}\n', None)
    status, _, allow = await ask("DELETE", "/echo")
    assert (status, allow) == (405, b"HEAD, GET, POST")
    assert (await ask("POST", "/echo", b"x" * (1 << 21)))[0] == 413
    await server.close()


async def test_server_hides_failures(client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises gives a 500 without its message, which is in the log."""
    server = WebServer({("GET", "/echo"): echo})
    base = "http://" + await server.open("127.0.0.1:0")
    answer = await client.request("GET", base + "/echo?fail", timeout=10, max_bytes=1000)
    await server.close()
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret" in caplog.text


async def test_check_comes_first(client: HttpClient) -> None:
    """What the check returns is sent instead of the handler's answer."""
    server = WebServer({("GET", "/echo"): echo}, check=lambda request: error_response(403, "no"))
    base = "http://" + await server.open("127.0.0.1:0")
    answer = await client.request("GET", base + "/echo", timeout=10, max_bytes=1000)
    await server.close()
    assert answer.status == 403


async def test_unix_socket(tmp_path: Path) -> None:
    """Server and client meet on a unix socket."""
    address = f"unix:{tmp_path}/admin.sock"
    server, client = WebServer({("GET", "/echo"): echo}), HttpClient(unix_path=f"{tmp_path}/admin.sock")
    assert await server.open(address) == address
    await client.open()
    answer = await client.request("GET", "http://localhost/echo", timeout=10, max_bytes=1000)
    await client.close()
    await server.close()
    assert answer.status == 200


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1", "192.0.2.1:80", "unix:/none/x.sock", ":99999"])
async def test_bind_errors(address: str) -> None:
    """An address that cannot be used is a BindError that names it."""
    with pytest.raises(BindError, match="cannot listen on"):
        await WebServer({}).open(address)


async def test_missing_host_means_loopback() -> None:
    """An address without a host is not opened to the world."""
    server = WebServer({})
    assert (await server.open(":0")).startswith("127.0.0.1:")
    await server.close()
