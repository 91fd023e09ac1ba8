"""Answers that come before the request has been read: what is done with the body nobody wants."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.gateway import stage
from tests.support.origin import OK, Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"


async def test_an_early_answer_of_the_endpoint() -> None:
    """It reaches the client at once; the rest of the body is read and dropped, and the client's connection goes on."""
    async with stage() as on:
        await on.client.send(POST + b"Content-Length: 10\r\n\r\nhalf-")
        there = await on.origin.accept()
        await there.head()
        assert await there.read(5) == b"half-"
        await there.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        assert (await on.client.message()).body == b"no"
        assert (await there.end())[0] == b"", "a connection with half a request on it is not used again"
        await on.client.send(b"whole" + GET)
        second = await on.origin.accept()
        assert (await second.message()).method == b"GET"
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_an_answer_that_begins_before_the_body_ends() -> None:
    """An endpoint may stream its answer while it reads: both directions go on until both are done."""
    async with stage() as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        there = await on.origin.accept()
        await there.head()
        assert await there.chunk() == b"a"
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n")
        assert (await on.client.head()).status == 200
        assert await on.client.chunk() == b"A"
        await on.client.send(b"1\r\nb\r\n0\r\n\r\n")
        assert await there.chunk() == b"b"
        assert await there.chunk() == b""
        await there.send(b"1\r\nB\r\n0\r\n\r\n")
        assert await on.client.chunk() == b"B"
        assert await on.client.chunk() == b""


async def test_a_short_unwanted_body_is_drained() -> None:
    """404 to a request with a body of known, moderate length: the body is dropped and the connection kept."""
    async with stage(rule="Path(`/known`)") as on:
        await on.client.send(POST + b"Content-Length: 5\r\n\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (404, None)
        await on.client.send(b"dropp", b"", b"GET /known HTTP/1.1\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        assert (await there.message()).target == b"/known"
        await there.send(OK)
        assert (await on.client.message()).status == 200


async def test_a_body_in_the_same_packet_as_its_head_is_drained() -> None:
    """The same when nothing has to be waited for."""
    async with stage(rule="Path(`/known`)") as on:
        on.origin.always()
        known = b"GET /known HTTP/1.1\r\nHost: a\r\n\r\n"
        await on.client.send(POST + b"Content-Length: 5\r\n\r\ndropp" + known + POST + b"Content-Length: 2\r\n\r\nx")
        assert [(await on.client.message()).status for _ in range(3)] == [404, 200, 404]
        await on.client.send(b"x" + known)
        assert (await on.client.message()).status == 200


@pytest.mark.parametrize("framing", [b"Content-Length: 10000000", b"Transfer-Encoding: chunked"])
async def test_an_unwanted_body_of_unknown_or_large_size(framing: bytes) -> None:
    """Reading it would cost more than a new connection: the client sees its answer, then a FIN, no RST."""
    async with stage(rule="Path(`/known`)") as on:
        await on.client.send(POST + framing + b"\r\n\r\n")
        answer = await on.client.message()
        assert answer.status == 404
        assert answer.get(b"connection") == b"close", "the client should know that its connection ends"
        await on.client.send(b"8\r\n12345678\r\n" * 100)
        assert await on.client.end() == (b"", "FIN")
    assert [one["status"] for one in on.records] == [404]


async def test_an_answer_while_connecting_leaves_the_connection_usable() -> None:
    """All endpoints refuse while the body is held back: 502, then the body is dropped and the next request served."""
    async with Origin() as origin, stage(rule="Path(`/known`)", more=nowhere(origin)) as on:
        origin.refuse()
        await on.client.send(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        assert (await on.client.message()).status == 502
        await on.client.send(b"bodyGET /known HTTP/1.1\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_a_client_that_is_refused_while_connecting_can_leave() -> None:
    """A malformed chunk while the endpoint is being connected: 400, and the connection ends when the client does."""
    async with stage(entrypoint='body_idle_timeout = "5s"') as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n")
        assert (await on.client.message()).status == 400
        on.client.half_close()
        assert await on.client.end() == (b"", "FIN")
        assert await on.running.deserted(), "the gateway holds a connection that both sides have ended"


def nowhere(origin: Origin) -> str:
    """A second router, to an endpoint of its own."""
    return f"""
    routers "nowhere" {{
      rule    = "Path(`/nowhere`)"
      service = "nowhere"
    }}
    services "nowhere" {{
      load_balancer {{ servers = [{{ url = "{origin.url}" }}] }}
    }}
    """


async def test_nothing_is_said_within_an_answer() -> None:
    """T-23: an endpoint that answers without waiting for the body: no ``100 Continue`` gets into its answer."""
    async with stage(entrypoint='body_idle_timeout = "300ms"') as on:
        await on.client.send(
            b"POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        )
        there = await on.origin.accept()
        await there.head()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(4):
            await there.send(b"AAAAA")
            await asyncio.sleep(0.4)
        answer = await on.client.message()
        assert (answer.status, answer.body) == (200, b"A" * 20)
