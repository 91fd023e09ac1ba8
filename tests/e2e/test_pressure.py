"""Slow sides: nobody's slowness fills the gateway's memory, and nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from a3sgw.tasks import spawn
from tests.support.gateway import config, gateway, stage
from tests.support.origin import OK, Origin
from tests.support.wire import Wire

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
PIECE = b"0123456789abcdef" * 16384
WHOLE = 64 * 1024 * 1024
BOUND = 24 * 1024 * 1024
"""What four kernel buffers may hold (up to 6 MB each) when nobody reads; the gateway's own share is far below 1 MB."""


class Pump:
    """Sends WHOLE bytes as fast as the other side takes them; `sent` counts."""

    def __init__(self, wire: Wire, wrap: bool, piece: bytes = PIECE) -> None:
        self.sent = 0
        self.task = spawn(self._run(wire, wrap, piece), "pump")

    async def _run(self, wire: Wire, wrap: bool, piece: bytes) -> None:
        while self.sent < WHOLE:
            await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece) if wrap else piece)
            self.sent += len(piece)
        if wrap:
            await wire.send(b"0\r\n\r\n")

    async def stalls(self) -> None:
        """Return once nothing moves any more."""
        before = -1
        while before != self.sent:
            before = self.sent
            await asyncio.wait([self.task], timeout=0.3)


async def take(wire: Wire) -> int:
    """Read WHOLE bytes, checking each."""
    left = WHOLE
    while left:
        assert await wire.read(len(PIECE)) == PIECE
        left -= len(PIECE)
    return WHOLE


async def take_chunks(wire: Wire) -> int:
    """The same, chunked."""
    total = 0
    while piece := await wire.chunk():
        total += len(piece)
    return total


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_slow_client_holds_back_the_endpoint(chunked: bool) -> None:
    """T-31: of a large answer nobody reads, the endpoint gives only what kernel buffers hold; read, it is whole."""
    async with stage(receive_buffer=65536) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % WHOLE
        await there.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        pump = Pump(there, chunked)
        await pump.stalls()
        assert pump.sent < BOUND
        assert (await on.client.head()).status == 200
        assert await (take_chunks if chunked else take)(on.client) == WHOLE
        await pump.task
    assert on.records[0]["sent"] == WHOLE


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_slow_endpoint_holds_back_the_client(chunked: bool) -> None:
    """T-31: of a large upload nobody reads, the client gives only what kernel buffers hold; read, it is whole."""
    async with stage() as on:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % WHOLE
        await on.client.send(POST + framing + b"\r\n\r\n")
        there = await on.origin.accept()
        pump = Pump(on.client, chunked)
        await pump.stalls()
        assert pump.sent < BOUND
        await there.head()
        assert await (take_chunks if chunked else take)(there) == WHOLE
        await pump.task
        await there.send(OK)
        assert (await on.client.message()).status == 200
    assert on.records[0]["received"] == WHOLE


async def test_a_client_that_stops_reading_is_given_up() -> None:
    """T-31: a client that takes nothing for `body_idle_timeout` is cut, and the endpoint is free again."""
    async with stage(entrypoint='body_idle_timeout = "300ms"', receive_buffer=65536) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % WHOLE)
        pump = Pump(there, False)
        await asyncio.wait([pump.task])
        assert isinstance(pump.task.exception(), OSError)
        assert pump.sent < BOUND
    assert on.records[0]["status"] == 499


async def test_an_endpoint_that_stops_reading_is_given_up() -> None:
    """T-31: an endpoint that takes nothing for `stream_idle_timeout` costs the client a 504, not its patience."""
    async with stage(balancer='stream_idle_timeout = "300ms"') as on:
        await on.client.send(POST + b"Content-Length: %d\r\n\r\n" % WHOLE)
        await on.origin.accept()
        pump = Pump(on.client, False)
        assert (await on.client.message()).status == 504
        pump.task.cancel()
        await asyncio.wait([pump.task])


async def test_requests_sent_ahead_wait_outside() -> None:
    """T-31: of requests sent ahead of an answer a few are read; the others wait in the kernel for their turn."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        request = GET[:-2] + b"X-Padding: " + b"a" * 60_000 + b"\r\n\r\n"
        pump = Pump(on.client, False, request)
        await pump.stalls()
        assert pump.sent < BOUND
        on.origin.always()
        await there.send(OK)
        there.close()
        for _ in range(100):
            assert (await on.client.message()).body == b"ok"
        pump.task.cancel()
        await asyncio.wait([pump.task])


LIMITED = 'middlewares "limit" {\n type = "body-limit"\n max_body_bytes = "1KB"\n}'


@pytest.mark.parametrize("answered", [False, True])
async def test_a_chunked_body_over_the_limit_is_cut_off(answered: bool) -> None:
    """T-31: 413 in the middle of the stream, then the end of the connection; the endpoint never sees a whole body."""
    async with stage(router='middlewares = ["limit"]', more=LIMITED) as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + b"a" * 1024 + b"\r\n")
        there = await on.origin.accept()
        await there.head()
        assert await there.chunk() == b"a" * 1024
        if answered:
            await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n")
            assert (await on.client.head()).status == 200
        await on.client.send(b"1\r\na\r\n")
        data, _ = await there.end()
        assert data == b""
        if answered:
            assert (await on.client.end())[1] == "RST"
        else:
            answer = await on.client.message()
            assert (answer.status, answer.get(b"connection")) == (413, b"close")
            assert await on.client.rest() == b""


# Time...


async def test_a_slow_head_is_given_up() -> None:
    """T-62: a head that is not whole after `read_header_timeout` is 408, however busily it dribbles."""
    async with stage(entrypoint='read_header_timeout = "400ms"') as on:
        for byte in (b"GET / HT", b"TP/1.1\r\n", b"Host: a\r\n"):
            await on.client.send(byte)
            await asyncio.sleep(0.1)
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (408, b"close")
        assert await on.client.rest() == b""
    assert [one["status"] for one in on.records] == [408]


@pytest.mark.parametrize("start", [b"FOO / HTTP/1.1\r\nX: ", b"GET /\xc3\xa9 HTTP/1.1\r\nX: "])
async def test_a_head_in_doubt_gets_no_more_time(start: bytes) -> None:
    """T-62: a head that can only be judged when it is whole has the same time for it, however it dribbles."""
    async with stage(entrypoint='read_header_timeout = "400ms"') as on:
        await on.client.send(start)
        for _ in range(10):
            await asyncio.sleep(0.1)
            try:
                await on.client.send(b"x")
            except ConnectionError:
                break
        assert (await on.client.end())[0].startswith(b"HTTP/1.1 408 ")


async def test_a_half_closed_client_that_reads_slowly_gets_everything() -> None:
    """T-30: having said everything and reading slowly is no way of leaving."""
    async with stage(receive_buffer=4096) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        on.client.half_close()
        body = PIECE * 16
        sending = spawn(there.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body), "answer")
        await asyncio.sleep(0.5)
        assert (await on.client.final()).body == body
        await sending


async def test_requests_sent_ahead_survive_a_half_close() -> None:
    """T-30: a client that sends many requests, says that this was all, and then reads, gets every answer."""
    body = PIECE[:200_000]
    async with stage(receive_buffer=4096) as on:
        on.origin.always(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await on.client.send(GET * 60)
        on.client.half_close()
        await asyncio.sleep(0.5)
        for _ in range(60):
            assert (await on.client.final()).body == body


async def test_a_connection_without_a_request_is_closed() -> None:
    """T-62: whoever connects and says nothing is dropped after `read_header_timeout`, without an answer."""
    async with stage(entrypoint='read_header_timeout = "200ms"') as on:
        assert await on.client.end() == (b"", "FIN")
    assert on.records == []


async def test_an_idle_connection_is_closed() -> None:
    """T-62: a kept connection ends after `idle_timeout` without a request, without an answer."""
    async with stage(entrypoint='idle_timeout = "300ms"') as on:
        await on.forwarded(GET)
        assert await on.client.end() == (b"", "FIN")


async def test_a_second_head_has_its_own_deadline() -> None:
    """T-62: on a kept connection the clock of the head starts with its first byte."""
    async with stage(entrypoint='read_header_timeout = "300ms"') as on:
        await on.forwarded(GET)
        await asyncio.sleep(0.5)
        await on.client.send(GET[:10])
        assert (await on.client.message()).status == 408


async def test_many_slow_heads_do_not_stop_others() -> None:
    """T-62: hundreds of clients that dribble their heads leave the way free for one that does not."""
    async with Origin() as origin, gateway(config(origin.url)) as running:
        origin.always()
        for _ in range(300):
            await (await running.connect()).send(GET[:20])
        assert (await running.ask(GET)).body == b"ok"


async def test_a_working_exchange_has_no_header_deadline() -> None:
    """T-62: an endpoint that thinks longer than client timeouts is none of the client's fault."""
    async with stage(
        entrypoint='read_header_timeout = "200ms"\nidle_timeout = "200ms"\nbody_idle_timeout = "200ms"'
    ) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await asyncio.sleep(0.6)
        await there.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_a_steady_slow_reader_is_not_cut_off() -> None:
    """T-24, T-31: whoever goes on taking bytes, however few, is reading; the idle limit is for those who take none."""
    size = 12 * len(PIECE)
    async with stage(entrypoint='body_idle_timeout = "400ms"', receive_buffer=4096) as on:
        on.origin.always(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + PIECE * 12)
        await on.client.send(GET)
        await on.client.head()
        left = size
        for _ in range(20):
            await on.client.read(size // 200)
            left -= size // 200
            await asyncio.sleep(0.1)
        await on.client.read(left)
