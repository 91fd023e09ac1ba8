"""WebSocket and other upgrades: a raw tunnel after the 101, and nothing of it before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin as From
from websockets.typing import Subprotocol

from a3sgw import load_config
from a3sgw.observe.exposition import render
from a3sgw.tasks import spawn
from tests.support.chat import Chat, chat, closed, dial, echo
from tests.support.gateway import Running, Stage, config, gateway, stage
from tests.support.origin import Origin
from tests.support.wire import Message, Wire

ASK = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %b\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n"
CAREFUL = "max_in_flight = 1000\n"


@asynccontextmanager
async def through(
    handler: Callable[[ServerConnection], Awaitable[None]] = echo, server: Any = None, **parts: str
) -> AsyncIterator[tuple[Running, Chat]]:
    """A gateway in front of a WebSocket server; `parts` are those of `config`."""
    async with chat(handler, **(server or {})) as there, gateway(config(there.url, **parts)) as running:
        yield running, there


# What a library sees...


@pytest.mark.parametrize("service", ["", CAREFUL], ids=["plain", "careful"])
async def test_echo(service: str) -> None:
    """Text and bytes come back as they were sent; the request log has one line for the connection, at its end."""
    async with through(service=service) as (running, _):
        async with dial(running, compression=None) as client:
            for message in ("hello", b"\0\1\2", "é" * 1000, b""):
                await client.send(message)
                assert await client.recv() == message
        assert client.close_code == 1000
        assert await running.deserted()
    [record] = running.records
    assert (record["status"], record["upgraded"], record["error"]) == (101, "websocket", "")
    assert record["received"] > 2000
    assert record["sent"] > 2000
    assert record["endpoint"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_large_and_fragmented_messages(compression: str | None) -> None:
    """A megabyte, in one frame and in many, with permessage-deflate and without."""
    async with through(server={"max_size": None}) as (running, there):
        async with dial(running, compression=compression, max_size=None) as client:
            large = bytes(range(256)) * 4096
            await client.send(large)
            assert await client.recv() == large
            await client.send([large[:1000]] * 50)
            assert await client.recv() == large[:1000] * 50
            named = [str(one) for one in client.protocol.extensions]
            assert bool(named) == bool(compression)
        assert (await closed(there.seen[0]))[0] == 1000


async def test_subprotocols_and_headers() -> None:
    """What client and server agree on is theirs: field values and names go through byte for byte."""
    fields = {"X-Tenant": "blue"}
    names = [Subprotocol("chat.v2"), Subprotocol("chat.v1")]
    async with (
        through(server={"subprotocols": names[1:]}) as (running, there),
        dial(running, subprotocols=names, additional_headers=fields, origin=From("https://a.example")) as client,
    ):
        assert client.subprotocol == "chat.v1"
        request = there.seen[0].request
        assert request is not None
        assert request.headers["X-Tenant"] == "blue"
        assert request.headers["Origin"] == "https://a.example"
        assert request.headers.get_all("Upgrade") == ["websocket"]
        assert request.headers.get_all("Connection") == ["Upgrade"]
        assert request.headers["X-Forwarded-Proto"] == "http"


async def test_pings_go_end_to_end() -> None:
    """Nobody in between answers them."""
    async with through() as (running, there), dial(running) as client:
        await (await client.ping(b"from the client"))
        await (await there.seen[0].ping(b"from the server"))


async def test_close_codes_go_end_to_end() -> None:
    """Whoever closes, the other one learns the code and the reason."""

    async def leave(connection: ServerConnection) -> None:
        if await connection.recv() == "go":
            await connection.close(4001, "gone")

    async with through(leave) as (running, there):
        async with dial(running) as client:
            await client.send("go")
            assert await closed(client) == (4001, "gone")
        async with dial(running) as client:
            await client.close(4002, "enough")
        assert await closed(there.seen[1]) == (4002, "enough")


async def test_an_answer_that_is_no_101() -> None:
    """It is an answer like any other: a status for the client, a line in the log, a connection that can be kept."""

    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(403, "no\n")

    async with through(server={"process_request": refuse}) as (running, _):
        with pytest.raises(InvalidStatus) as refused:
            await dial(running)
        assert refused.value.response.status_code == 403
        assert refused.value.response.body == b"no\n"
    [record] = running.records
    assert record["status"] == 403
    assert "upgraded" not in record


async def test_an_endpoint_that_is_killed() -> None:
    """The client sees that it ended, at once and not in order; so does the log."""
    async with Origin() as origin, gateway(config(origin.url)) as running:
        client = await running.connect()
        await client.send(ASK % b"websocket")
        there = await origin.accept()
        await there.message()
        await there.send(SWITCH % b"websocket")
        assert (await client.head()).status == 101
        there.reset()
        assert await client.end() == (b"", "RST")
        assert await running.deserted()
    assert running.records[0]["error"] == "tunnel ended: reset"


async def test_a_client_that_is_slow() -> None:
    """The server has to wait; the gateway keeps a bounded part."""
    async with stage(receive_buffer=4096) as on:
        there = await switched(on)
        sent = 0
        piece = bytes(1 << 16)
        while True:
            try:
                async with asyncio.timeout(0.3):
                    await there.send(piece)
            except TimeoutError:
                break
            sent += len(piece)
            assert sent < 64 << 20
        [tunnel] = _tunnels(on.running)
        assert tunnel.endpoint.transport.get_write_buffer_size() == 0
        assert tunnel.client.transport.get_write_buffer_size() < 1 << 20
        assert len(await on.client.read(sent)) == sent


def _tunnels(running: Running) -> list[Any]:
    plane: Any = running.gateway._plane
    return list(plane.entrypoints["web"].gate.connections)


async def switched(on: Stage, protocol: bytes = b"websocket") -> Wire:
    """The endpoint's end of a tunnel that has just begun."""
    await on.client.send(ASK % protocol)
    there = await on.origin.accept()
    await there.message()
    await there.send(SWITCH % protocol)
    assert (await on.client.head()).status == 101
    return there


# The handshake byte by byte...


async def seen_by_endpoint(on: Stage, request: bytes) -> Message:
    """The request as it arrives, answered with an ordinary 200."""
    return await on.forwarded(request)


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"connection: UPGRADE\r\nupgrade: websocket\r\n",
        b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c, websocket\r\n",
        b"Connection: ,upgrade\r\nUpgrade: ,websocket,\r\n",
        b"Connection: upgrade\r\nUpgrade: HTTP/2.0\r\nUpgrade: websocket\r\nUpgrade: TLS/1.3\r\n",
        b"Connection: upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nHTTP2-Settings: AAMAAABkAAQ\r\n",
        b"Connection: upgrade, TE\r\nTE: trailers\r\nUpgrade: websocket\r\n",
        b"Connection: upgrade\r\nContent-Length: 0\r\nUpgrade: websocket\r\n",
    ],
)
async def test_an_upgrade_is_asked_for_by_token(fields: bytes) -> None:
    """However it is written, the endpoint gets one Upgrade and one Connection, and nothing it must not switch to."""
    async with stage() as on:
        seen = await seen_by_endpoint(on, b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        assert seen.all(b"upgrade") == [b"websocket"]
        assert seen.all(b"connection") == [b"Upgrade"]
        assert seen.all(b"http2-settings") == []
        assert seen.all(b"te") == []


@pytest.mark.parametrize(
    "fields",
    [
        b"Upgrade: websocket\r\n",
        b"Connection: notupgrade\r\nUpgrade: websocket\r\n",
        b"Connection: keep-alive\r\nUpgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
        b"Connection: Upgrade\r\nUpgrade: H2C, http/3\r\n",
        b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        b"Connection: Upgrade\r\nUpgrade: \r\n",
        b"Connection: Upgrade\r\nUpgrade: web socket\r\n",
        b"Connection: Upgrade\r\nUpgrade: ,\r\n",
    ],
)
async def test_what_is_no_upgrade_is_a_plain_request(fields: bytes) -> None:
    """The endpoint hears nothing of it, and may answer as always."""
    async with stage() as on:
        seen = await seen_by_endpoint(on, b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        assert seen.all(b"upgrade") == []
        assert seen.all(b"connection") == []


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n2\r\nhi\r\n0\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
    ids=["length", "chunked", "1.0"],
)
async def test_no_upgrade_with_a_body_or_an_old_version(request_: bytes) -> None:
    """RFC 9110 §7.8 lets HTTP/1.0 have none, and a body would stand between the head and the new protocol."""
    async with stage() as on:
        assert (await seen_by_endpoint(on, request_)).all(b"upgrade") == []


async def test_names_and_values_go_through_byte_for_byte() -> None:
    """Some endpoints are particular about case."""
    async with stage() as on:
        request = (
            b"GET /c HTTP/1.1\r\nHost: a\r\nSEC-WebSocket-KEY:dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
            b"Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Protocol: a,  b\r\n\r\n"
        )
        await on.client.send(request)
        there = await on.origin.accept()
        head = await there.until(b"\r\n\r\n")
        assert b"\r\nSEC-WebSocket-KEY:dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n" in head
        assert b"\r\nSec-WebSocket-Protocol: a,  b\r\n" in head
        assert b"\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" in head
        await there.send(
            b"HTTP/1.1 101 Let's go\r\nconnection: upgrade\r\nupgrade: websocket\r\nSec-WebSocket-ACCEPT: x=\r\n\r\n"
        )
        answer = await on.client.until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 Let's go\r\nSec-WebSocket-ACCEPT: x=\r\n")
        assert answer.endswith(b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        SWITCH % b"h2c",
        SWITCH % b"websocket, chat",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.0 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
@pytest.mark.parametrize("service", ["", CAREFUL], ids=["plain", "careful"])
async def test_a_101_that_says_something_else(answer: bytes, service: str) -> None:
    """It is a broken answer: 502, and the endpoint's connection is given up."""
    async with Origin() as origin, gateway(config(origin.url, service=service)) as running:
        client = await running.connect()
        await client.send(ASK % b"websocket")
        there = await origin.accept()
        await there.message()
        await there.send(answer)
        assert (await client.message()).status == 502
        assert (await there.end())[0] == b""


async def test_a_101_that_nobody_asked_for() -> None:
    """The same for a request that was no upgrade."""
    async with stage() as on:
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(SWITCH % b"websocket")
        assert (await on.client.message()).status == 502


async def test_another_protocol_of_those_asked_for() -> None:
    """The endpoint chooses; the log says what."""
    async with stage() as on:
        await on.client.send(ASK % b"chat/2, tcp")
        there = await on.origin.accept()
        assert (await there.message()).get(b"upgrade") == b"chat/2, tcp"
        await there.send(SWITCH % b"TCP")
        assert (await on.client.head()).get(b"upgrade") in (b"tcp", b"TCP")
        await on.client.send(b"anything")
        assert await there.read(8) == b"anything"
    assert on.records[0]["upgraded"].lower() == "tcp"


@pytest.mark.parametrize("pieces", [1, 2], ids=["with the head", "after it"])
async def test_early_bytes_of_both_sides(pieces: int) -> None:
    """What the client sends before it has the 101, and what comes right behind the 101, arrives, in order."""
    async with stage() as on:
        request = ASK % b"websocket" + b"early"
        await on.client.send(*([request] if pieces == 1 else [request[:-5], request[-5:]]))
        there = await on.origin.accept()
        await there.message()
        await there.send(SWITCH % b"websocket" + b"early too")
        assert (await on.client.head()).status == 101
        assert await on.client.read(9) == b"early too"
        assert await there.read(5) == b"early"
        await on.client.send(b" and late")
        assert await there.read(9) == b" and late"


async def test_many_early_bytes() -> None:
    """More than the gateway keeps waits with the client, and nothing is lost."""
    async with stage() as on:
        data = bytes(range(256)) * 4096
        sending = asyncio.gather(on.client.send(ASK % b"websocket" + data))
        there = await on.origin.accept()
        await there.message()
        await there.send(SWITCH % b"websocket")
        assert await there.read(len(data)) == data
        await sending


@pytest.mark.parametrize("pieces", [1, 2], ids=["with the head", "after it"])
async def test_early_bytes_never_become_a_request(pieces: int) -> None:
    """They were for a protocol that did not come about: the answer is the last on this connection."""
    async with stage() as on:
        smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
        request = ASK % b"websocket"
        await on.client.send(*([request + smuggled] if pieces == 1 else [request, smuggled]))
        there = await on.origin.accept()
        await there.message()
        await asyncio.sleep(0.05)  # both pieces have arrived
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
        answer = await on.client.message()
        assert (answer.body, answer.get(b"connection")) == (b"no", b"close")
        assert await on.client.end() == (b"", "FIN")
    assert [record["path"] for record in on.records] == ["/chat"]


async def test_early_bytes_behind_an_answer_of_the_gateway() -> None:
    """The same where no endpoint is asked at all."""
    async with gateway(config(rule="Path(`/none`)")) as running:
        client = await running.connect()
        await client.send(ASK % b"websocket" + b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.message()).status == 404
        assert await client.end() == (b"", "FIN")
    assert [record["path"] for record in running.records] == ["/chat"]


async def test_a_refused_upgrade_without_early_bytes_keeps_the_connection() -> None:
    """A client that waited for the answer may go on with it."""
    async with stage() as on:
        await on.forwarded(ASK % b"websocket")
        await on.forwarded(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


async def test_the_endpoints_connection_never_comes_back() -> None:
    """After a tunnel, the next request has a new one."""
    async with stage() as on:
        there = await switched(on)
        on.client.close()
        assert await there.rest() == b""
        client = await on.running.connect()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        there.close()
        another = await on.origin.accept()
        assert (await another.message()).target == b"/"
        await another.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert (await client.message()).status == 200


async def test_a_kept_connection_may_become_a_tunnel() -> None:
    """Both sides may have spoken HTTP before."""
    async with stage() as on:
        await on.forwarded(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await on.client.send(ASK % b"websocket")
        there = on.origin.wires[0]
        assert (await there.message()).target == b"/chat"
        await there.send(SWITCH % b"websocket" + b"hello")
        assert (await on.client.head()).status == 101
        assert await on.client.read(5) == b"hello"


# What routes make of it...


async def test_middlewares() -> None:
    """Those that decide are asked first; those that change answers see the 101, but the hop's own fields are ours."""
    more = """
    middlewares "key" {
      type = "api-key"
      keys = ["0123456789abcdef"]
    }
    middlewares "shown" {
      type = "headers"
      response_headers = { "X-Seen" = "yes" }
    }
    """
    key = {"X-Api-Key": "0123456789abcdef"}
    parts = {"router": 'middlewares = ["key", "shown"]', "more": more}
    async with through(router=parts["router"], more=parts["more"]) as (running, there):
        with pytest.raises(InvalidStatus) as refused:
            await dial(running)
        assert refused.value.response.status_code == 401
        assert not there.seen
        async with dial(running, additional_headers=key) as client:
            assert client.response is not None
            assert client.response.headers["X-Seen"] == "yes"
            await client.send("hello")
            assert await client.recv() == "hello"


async def test_requests_at_once_count_until_the_end() -> None:
    """A limit of requests at once holds for tunnels as long as they are open."""
    more = 'middlewares "few" {\n type = "in-flight"\n amount = 1\n}'
    async with through(router='middlewares = ["few"]', more=more) as (running, _):
        async with dial(running):
            with pytest.raises(InvalidStatus) as refused:
                await dial(running)
            assert refused.value.response.status_code == 429
        assert await running.deserted()
        async with dial(running) as client:
            await client.send("hello")
            assert await client.recv() == "hello"


async def test_max_connections() -> None:
    """More than the router allows get 503 and a time to come back, and no endpoint is asked; plain requests pass."""

    def answer(connection: ServerConnection, request: Any) -> Any:
        return None if "Upgrade" in request.headers else connection.respond(200, "plain")

    async with through(server={"process_request": answer}, router="websocket { max_connections = 2 }") as (
        running,
        there,
    ):
        async with dial(running), dial(running):
            with pytest.raises(InvalidStatus) as refused:
                await dial(running)
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"] == "1"
            assert len(there.seen) == 2
        assert await running.deserted()
        async with dial(running):
            pass
        assert len(there.seen) == 3


async def test_in_flight_and_metrics() -> None:
    """The endpoint counts it until it ends; then the bytes and the time are counted, and requests stay quick."""
    async with through() as (running, _):
        async with dial(running) as client:
            await client.send("x" * 1000)
            await client.recv()
            assert [sum(urls.values()) for urls in running.gateway._plane.in_flight().values()] == [1]
            assert 'a3sgw_upgraded_connections{entrypoint="web",router="all"} 1.0' in metrics(running)
        assert await running.deserted()
        assert not running.gateway._plane.in_flight()
        text = metrics(running)
        assert 'a3sgw_upgraded_connections{entrypoint="web",router="all"} 0.0' in text
        assert 'a3sgw_upgraded_duration_seconds_count{entrypoint="web",router="all"} 1.0' in text
        [received] = [line for line in text.splitlines() if line.startswith("a3sgw_upgraded_received_bytes_total{")]
        assert float(received.rpartition(" ")[2]) > 5
        assert 'a3sgw_router_requests_total{code="1xx",method="GET",router="all"} 1.0' in text


def metrics(running: Running) -> str:
    """All of them as text."""
    return render(running.gateway.metrics()).decode()


@pytest.mark.parametrize("retries", ["", "retries { max_retries = 2 }"], ids=["plain", "careful"])
async def test_an_endpoint_that_cannot_be_reached(retries: str) -> None:
    """Another one is asked, as for any request."""
    async with Origin() as dead, chat() as there:
        dead.refuse()
        async with gateway(config(dead.url, there.url, service=retries)) as running:
            for _ in range(4):
                async with dial(running) as client:
                    await client.send("hello")
                    assert await client.recv() == "hello"


async def test_unix_sockets(tmp_path: Path) -> None:
    """On both sides."""
    async with chat(path=str(tmp_path / "there")) as there:
        hcl = config(there.url).replace("127.0.0.1:0", f"unix:{tmp_path / 'here'}")
        async with gateway(hcl):
            client = await unix_connect(str(tmp_path / "here"), uri="ws://a/", ping_interval=None)
            await client.send("hello")
            assert await client.recv() == "hello"
            await client.close()


async def test_silence_ends_it() -> None:
    """The limit is the one between two pieces of an answer; the router may say another."""
    async with through(router='timeouts { stream_idle_timeout = "300ms" }') as (running, _):
        client = await dial(running)
        await client.send("hello")
        assert await client.recv() == "hello"
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert await running.deserted()
    assert running.records[0]["error"] == "tunnel ended: idle"


async def test_the_total_limit() -> None:
    """However much is said."""
    async with through(router='timeouts { stream_total_timeout = "500ms" }') as (running, _):
        client = await dial(running)
        with pytest.raises(ConnectionClosed):
            await _talk(client)
        assert await running.deserted()
    assert running.records[0]["error"] == "tunnel ended: total"


async def _talk(client: ClientConnection) -> None:
    while True:
        await client.send("hello")
        await client.recv()


@pytest.mark.parametrize("for_streams", [True, False])
async def test_the_time_for_everything(for_streams: bool) -> None:
    """It holds for tunnels where it holds for streams; otherwise they may last."""
    balancer = f'total_timeout = "400ms"\ntotal_timeout_for_streams = {str(for_streams).lower()}'
    async with through(balancer=balancer) as (running, _):
        client = await dial(running)
        if for_streams:
            with pytest.raises(ConnectionClosed):
                await _talk(client)
        else:
            await asyncio.sleep(0.8)
            await client.send("hello")
            assert await client.recv() == "hello"
            await client.close()
        assert await running.deserted()
    assert running.records[0]["error"] == ("tunnel ended: total" if for_streams else "")


@pytest.mark.parametrize("where", ["service", "balancer"])
async def test_a_breaker_is_told_by_the_101(where: str) -> None:
    """The service, or the endpoint, is well as soon as it has agreed, however long it then talks."""
    breaker = 'circuit_breaker {\n failure_threshold = 1\n cooldown_secs = "100ms"\n success_threshold = 1\n}'
    failing = True

    def answer(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(500, "no") if failing else None

    options: dict[str, Any] = {where: breaker}
    async with through(server={"process_request": answer}, **options) as (running, _):
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                await dial(running)
        assert refused.value.response.status_code == 503
        failing = False
        async with asyncio.timeout(5):
            while True:
                try:
                    client = await dial(running)
                    break
                except InvalidStatus:
                    await asyncio.sleep(0.01)
        async with dial(running):
            pass
        await client.close()


async def test_who_counts_connections_counts_it_until_its_end() -> None:
    """A filter of the entrypoint, too: the place is free again once the tunnel has ended."""
    few = 'middlewares "few" {\n type = "tcp-filter"\n max_connections_per_ip = 1\n}'
    async with through(entrypoint='middlewares = ["few"]', more=few) as (running, _):
        for _ in range(2):
            async with dial(running):
                with pytest.raises((ConnectionError, EOFError, InvalidHandshake)):
                    await dial(running)
            assert await running.deserted()


# Reload and end...


async def test_a_reload_keeps_what_has_not_changed() -> None:
    """Whatever else changes, and how often: the connection goes on, and is counted and logged once."""
    async with through(router='drain_timeout = "200ms"') as (running, there):
        hcl = config(there.url, router='drain_timeout = "200ms"')
        log = running.gateway.config().access_log
        async with dial(running) as client:
            for number in range(3):
                more = f'routers "more{number}" {{\n rule = "Path(`/{number}`)"\n service = "origin"\n}}\n'
                changed = load_config(hcl + more).model_copy(update={"access_log": log})
                assert await running.gateway.reload(changed)
                await client.send("still there?")
                assert await client.recv() == "still there?"
            await asyncio.sleep(0.6)
            await client.send("and now?")
            assert await client.recv() == "and now?"
        assert await running.deserted()
    assert len(running.records) == 1


@pytest.mark.parametrize("change", ["router", "gone", "service"])
async def test_a_reload_that_overtakes_it(change: str) -> None:
    """Client and server are told 1001, within the time given, and not at once."""
    websocket = 'websocket { close_frame = true }\n drain_timeout = "600ms"'
    async with through(router=websocket) as (running, there), dial(running) as client:
        hcl = config(there.url, router=websocket)
        changed = {
            "router": hcl.replace("600ms", "500ms"),
            "gone": hcl.replace("PathPrefix(`/`)", "Path(`/other`)").replace('"all"', '"other"'),
            "service": hcl.replace("load_balancer {", 'load_balancer {\n strategy = "random"'),
        }[change]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert await running.gateway.reload(load_config(changed))
        await client.send("still there?")
        assert await client.recv() == "still there?"
        assert await closed(client) == (1001, "")
        assert 0.25 < loop.time() - begun < 3
        assert await closed(there.seen[0]) == (1001, "")


@pytest.mark.parametrize("change", ["reload", "shutdown"])
async def test_a_handshake_that_is_overtaken(change: str) -> None:
    """An endpoint that answers after its route has gone, or while the gateway ends: the tunnel ends as well."""
    async with stage(router='drain_timeout = "300ms"') as on:
        await on.client.send(ASK % b"websocket")
        there = await on.origin.accept()
        await there.message()
        ending: asyncio.Future[Any]
        if change == "reload":
            log = on.running.gateway.config().access_log
            changed = load_config(config(on.origin.url)).model_copy(update={"access_log": log})
            ending = spawn(on.running.gateway.reload(changed), "ending")
            await ending
        else:
            ending = spawn(on.running.gateway.shutdown(), "ending")
            while on.running.gateway.health()["status"] == "healthy":
                await asyncio.sleep(0)
        await there.send(SWITCH % b"websocket" + b"hello")
        assert (await on.client.head()).status == 101
        assert await on.client.end() == (b"hello", "FIN")
        assert await there.end() == (b"", "FIN")
        await ending
    assert on.records[0]["error"] == f"tunnel ended: {change}"


async def test_a_reload_without_close_frames() -> None:
    """Then the connection just ends."""
    websocket = 'drain_timeout = "200ms"'
    async with through(router=websocket) as (running, there), dial(running) as client:
        assert await running.gateway.reload(load_config(config(there.url)))
        assert (await closed(client))[0] == 1006
        assert (await closed(there.seen[0]))[0] == 1006


async def test_the_end_of_the_gateway() -> None:
    """Within shutdown_timeout_secs, with a goodbye where it is asked for."""
    websocket = "websocket { close_frame = true }"
    async with chat() as there:
        async with gateway(config(there.url, router=websocket)) as running:
            client = await dial(running)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await running.gateway.shutdown()
            assert loop.time() - begun < 3
            assert await closed(client) == (1001, "")
            assert await closed(there.seen[0]) == (1001, "")
        assert running.records[0]["error"] == "tunnel ended: shutdown"


async def test_a_close_frame_waits_for_the_end_of_a_frame() -> None:
    """A frame that has begun is let through whole; what comes behind the close frame is dropped."""
    websocket = 'websocket { close_frame = true }\n drain_timeout = "100ms"'
    async with stage(router=websocket) as on:
        there = await switched(on)
        await there.send(b"\x82\x0aHALF.")
        assert await on.client.read(7) == b"\x82\x0aHALF."
        assert await on.running.gateway.reload(load_config(config(on.origin.url)))
        while not _tunnels(on.running)[0].is_parting:
            await asyncio.sleep(0.01)
        assert (await there.read(8))[:2] == b"\x88\x82"
        await there.send(b"WHOLE\x81\x05never")
        assert await on.client.read(9) == b"WHOLE\x88\x02\x03\xe9"
        await on.client.send(b"\x88\x82\0\0\0\0\x03\xe9")
        await there.send(b"\x88\x02\x03\xe9")
        assert await on.client.end() == (b"", "FIN")
        assert await there.end() == (b"", "FIN")
