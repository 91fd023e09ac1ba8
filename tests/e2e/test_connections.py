"""Connections on both sides: kept, shared in turn, given up, and never confused."""

from __future__ import annotations

import socket

import pytest

from tests.support.gateway import config, gateway, stage
from tests.support.origin import OK, Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody"


def get(path: bytes) -> bytes:
    """A GET of `path`."""
    return b"GET " + path + b" HTTP/1.1\r\nHost: a.example\r\n\r\n"


def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as raw:
        raw.bind(("127.0.0.1", 0))
        return int(raw.getsockname()[1])


# Pipelining...


async def test_many_requests_in_one_packet_are_answered_in_order() -> None:
    """Pipelined requests are asked one after the other over one endpoint connection, and answered in order."""
    async with stage() as on:
        await on.client.send(b"".join(get(b"/%d" % number) for number in range(50)))
        there = await on.origin.accept()
        for number in range(50):
            assert (await there.message()).target == b"/%d" % number
            body = b"answer %d" % number
            await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        for number in range(50):
            assert (await on.client.message()).body == b"answer %d" % number
        assert len(on.origin.wires) == 1
    assert [one["path"] for one in on.records] == [f"/{number}" for number in range(50)]


async def test_refusals_keep_their_place_in_line() -> None:
    """A refused request behind a slow one is answered after it, and ends the connection."""
    async with stage(rule="PathPrefix(`/known`)") as on:
        await on.client.send(get(b"/known") + get(b"/unknown") + b"BAD\r\n\r\n" + GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(OK)
        assert [(await on.client.message()).status for _ in range(3)] == [200, 404, 400]
        assert await on.client.rest() == b""


async def test_requests_with_bodies_in_one_packet() -> None:
    """Bodies of pipelined requests end where they say, whatever their framing."""
    chunked = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n"
    async with stage() as on:
        on.origin.always()
        await on.client.send((POST + chunked + GET) * 5)
        for _ in range(15):
            assert (await on.client.message()).body == b"ok"
        assert [one.body for one in on.origin.requests] == [b"body", b"xyz", b""] * 5


async def test_a_request_in_single_bytes() -> None:
    """It makes no difference how the bytes arrive."""
    async with stage() as on:
        on.client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = (
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n" + GET
        )
        on.origin.always()
        await on.client.send(*(b"%c" % byte for byte in request))
        assert [(await on.client.message()).status for _ in range(2)] == [200, 200]
        assert [one.body for one in on.origin.requests] == [b"abc", b""]


async def test_empty_lines_before_a_request_are_ignored() -> None:
    """Old clients send a CRLF behind a body (RFC 9112 §2.2)."""
    async with stage() as on:
        on.origin.always()
        await on.client.send(POST + b"\r\n\r\n" + GET)
        assert [(await on.client.message()).status for _ in range(2)] == [200, 200]


# The client's side...


@pytest.mark.parametrize(
    ("request_", "connection"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"close"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", b"close"),
        (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", b"close"),
        (b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", b"keep-alive"),
    ],
)
async def test_a_connection_lasts_as_the_client_wants(request_: bytes, connection: bytes | None) -> None:
    """Kept or closed by version and `Connection` (RFC 9112 §9.3), and the client is told."""
    async with stage() as on:
        on.origin.always()
        await on.client.send(request_)
        assert (await on.client.message()).get(b"connection") == connection
        if connection == b"close":
            assert await on.client.end() == (b"", "FIN")
        else:
            await on.client.send(request_)
            assert (await on.client.message()).status == 200
        assert len(on.origin.wires) == 1


async def test_an_answer_without_length_ends_an_http_1_0_connection() -> None:
    """HTTP/1.0 knows no chunks: such an answer ends with a FIN even for a client that asked to be kept."""
    async with stage() as on:
        await on.client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        answer = await on.client.message()
        assert (answer.get(b"connection"), answer.get(b"transfer-encoding"), answer.body) == (b"close", None, b"abc")


async def test_more_connections_than_allowed_are_refused() -> None:
    """`max_connections` counts open connections; who comes too late gets 503, and one that leaves makes room."""
    async with Origin() as origin, gateway(config(origin.url, entrypoint="max_connections = 2")) as running:
        origin.always()
        first, second = await running.connect(), await running.connect()
        for wire in (first, second):
            await wire.send(GET)
            assert (await wire.message()).status == 200
        answer = await running.ask(GET)
        assert (answer.status, answer.get(b"connection")) == (503, b"close")
        first.close()
        await second.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await second.rest()
        assert (await running.ask(GET)).status == 200


# The endpoint's side...


async def test_endpoint_connections_are_kept_and_shared() -> None:
    """Requests of many clients go over one connection when they come one after the other."""
    async with stage() as on:
        on.origin.always()
        for _ in range(10):
            assert (await on.running.ask(GET)).status == 200
        assert (len(on.origin.wires), len(on.origin.requests)) == (1, 10)


async def test_two_requests_at_once_need_two_connections() -> None:
    """A busy connection is never shared."""
    async with stage() as on:
        other = await on.running.connect()
        await on.client.send(get(b"/1"))
        first = await on.origin.accept()
        await first.message()
        await other.send(get(b"/2"))
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        await other.message()
        await first.send(OK)
        await on.client.message()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    ],
    ids=["close", "http/1.0", "kept too briefly", "too much"],
)
async def test_a_connection_that_ends_is_not_used_again(answer: bytes) -> None:
    """What the endpoint says about its connection is believed, and surplus bytes are never the next answer."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(answer)
        got = await on.client.message()
        assert (got.line, got.body, got.get(b"connection")) == (b"HTTP/1.1 200 OK", b"ok", None)
        await there.end()
        await on.client.send(GET)
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_an_http_1_0_endpoint_may_keep_its_connection() -> None:
    """`Connection: keep-alive` of an HTTP/1.0 endpoint is believed."""
    async with stage() as on:
        on.origin.always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
        for _ in range(3):
            await on.client.send(GET)
            assert (await on.client.message()).body == b"ok"
        assert len(on.origin.wires) == 1


async def test_idle_connections_are_bounded() -> None:
    """At most `max_idle_connections` are kept."""
    async with stage(balancer="max_idle_connections = 0") as on:
        on.origin.always()
        for _ in range(3):
            await on.client.send(GET)
            await on.client.message()
        assert len(on.origin.wires) == 3


async def test_idle_connections_grow_old() -> None:
    """An endpoint connection idle for `idle_timeout` is closed."""
    async with stage(balancer='idle_timeout = "200ms"') as on:
        await on.forwarded(GET)
        assert await on.origin.wires[0].end() == (b"", "FIN")


async def test_a_get_on_a_stale_connection_is_asked_anew() -> None:
    """An endpoint that closes a kept connection under a GET costs the client nothing."""
    async with stage() as on:
        await on.forwarded(GET)
        await on.client.send(GET)
        await on.origin.wires[0].message()
        on.origin.wires[0].close()
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"
    assert [one["status"] for one in on.records] == [200, 200]


@pytest.mark.parametrize(
    "request_",
    [POST, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"],
)
async def test_a_post_on_a_stale_connection_is_not_repeated(request_: bytes) -> None:
    """Nobody knows whether a POST has been carried out, so it is 502 and never asked twice."""
    async with stage() as on:
        await on.forwarded(GET)
        await on.client.send(request_)
        await on.origin.wires[0].message()
        on.origin.wires[0].close()
        assert (await on.client.message()).status == 502
        assert len(on.origin.wires) == 1


async def test_a_get_on_a_new_connection_is_not_repeated() -> None:
    """A connection that closes on its first request is a fault of the endpoint, not of its age."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        there.close()
        assert (await on.client.message()).status == 502


async def test_a_get_that_was_half_answered_is_not_repeated() -> None:
    """Once an answer has begun, it is never asked for again."""
    async with stage() as on:
        await on.forwarded(GET)
        await on.client.send(GET)
        await on.origin.wires[0].message()
        await on.origin.wires[0].send(b"HTTP/1.1 2")
        on.origin.wires[0].close()
        assert (await on.client.message()).status == 502


async def test_a_get_asked_anew_is_not_asked_for_ever() -> None:
    """The second attempt is on a new connection; when that fails, the client learns of it."""
    async with stage() as on:
        await on.forwarded(GET)
        await on.client.send(GET)
        await on.origin.wires[0].message()
        on.origin.wires[0].close()
        second = await on.origin.accept()
        await second.message()
        second.close()
        assert (await on.client.message()).status == 502


# Endpoints that cannot be reached...


async def test_the_next_endpoint_is_tried() -> None:
    """A refused connection is nobody's answer: the next endpoint is asked, with the body."""
    async with Origin() as origin:
        dead = f"http://127.0.0.1:{closed_port()}"
        async with gateway(config(dead, dead.replace("127.0.0.1", "127.0.0.2"), origin.url)) as running:
            origin.always()
            for _ in range(6):
                assert (await running.ask(POST)).status == 200
            assert [one.body for one in origin.requests] == [b"body"] * 6
    assert all(one["endpoint"] == origin.url for one in running.records)
    assert sum(one["attempts"] for one in running.records) > 6


async def test_nobody_can_be_reached() -> None:
    """When every endpoint refuses, it is 502, each was tried once, and the connection goes on."""
    dead = [f"http://127.0.0.{last}:{closed_port()}" for last in (1, 2, 3)]
    async with gateway(config(*dead)) as running:
        wire = await running.connect()
        for _ in range(2):
            await wire.send(GET)
            assert (await wire.message()).status == 502
    assert [one["attempts"] for one in running.records] == [3, 3]
    assert all(one["error"].startswith("ConnectError") for one in running.records)


async def test_there_is_nobody_to_ask() -> None:
    """A service whose endpoints all have weight 0, or none, answers 503."""
    async with gateway(config('{ url = "http://127.0.0.1:1", weight = 0 }')) as running:
        assert (await running.ask(GET)).status == 503
    assert running.records[0]["error"].startswith("NoEndpoint")


async def test_an_endpoint_that_does_not_accept_in_time() -> None:
    """`connect_timeout` is 504: here the endpoint's queue is full, so that packets are dropped."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for raw in (first, second):
            raw.setblocking(False)
            raw.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with gateway(config(url, balancer='connect_timeout = "200ms"')) as running:
            assert (await running.ask(GET)).status == 504
    assert running.records[0]["error"].startswith("ConnectTimeout")


async def test_an_unknown_name_has_no_endpoints() -> None:
    """A host that does not resolve is nobody to ask: 503."""
    async with gateway(config("http://nobody.invalid:80")) as running:
        assert (await running.ask(GET)).status == 503
