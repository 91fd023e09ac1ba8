"""Event streams: each event at once, an endpoint that is let go of at once, and an end that cannot be mistaken."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.gateway import Stage, config, gateway, stage
from tests.support.origin import Origin
from tests.support.wire import Message, Wire

GET = b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"event: price\ndata: 12\n\n"
ERRORS = "event_stream { error_event = true }"
SOON = 0.1
"""Seconds within which an endpoint is let go of when the client has left."""
COMPRESS = 'middlewares "small" { type = "compress" }'
READS = 'middlewares "shown" {\n type = "headers"\n response_headers = { "X-Seen" = "yes" }\n}'


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@asynccontextmanager
async def streaming(
    router: str = "", more: str = "", fields: bytes = b"", balancer: str = ""
) -> AsyncIterator[tuple[Stage, Wire, Message]]:
    """An event stream that has begun: its head has arrived."""
    async with stage(router=router, more=more, balancer=balancer) as on:
        await on.client.send(GET + fields + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(HEAD)
        yield on, there, await on.client.head()


@pytest.mark.parametrize(
    ("router", "more"),
    [("", ""), ('middlewares = ["shown"]', READS), (ERRORS, "")],
    ids=["nothing", "headers", "error events"],
)
async def test_each_event_at_once(router: str, more: str) -> None:
    """The client has each before the endpoint sends the next, and comments that only keep the connection open."""
    async with streaming(router, more) as (on, there, head):
        assert head.get(b"x-seen") == (b"yes" if more else None)
        for number in range(5):
            event = b": ping\n" if number == 2 else b"id: %d\ndata: x\n\n" % number
            await there.send(chunk(event))
            assert await on.client.chunk() == event
        await there.send(b"0\r\n\r\n")
        assert await on.client.chunk() == b""


@pytest.mark.parametrize("router", ['middlewares = ["small"]', f'middlewares = ["small"]\n{ERRORS}'])
async def test_each_event_at_once_compressed(router: str) -> None:
    """A compressor does not wait for more either."""
    async with streaming(router, COMPRESS, b"Accept-Encoding: gzip\r\n") as (on, there, head):
        assert head.get(b"content-encoding") == b"gzip"
        unpack = zlib.decompressobj(31)
        for number in range(5):
            event = b"data: %d\n\n" % number
            await there.send(chunk(event))
            got = b""
            while got != event:
                got += unpack.decompress(await on.client.chunk())


async def let_go(there: Wire, since: float) -> None:
    """The endpoint's connection has ended, soon enough."""
    assert (await there.end())[0] == b""
    assert time.monotonic() - since < SOON


@pytest.mark.parametrize("how", ["close", "half_close", "reset"])
async def test_a_client_leaves_between_two_events(how: str) -> None:
    """However it hangs up: the endpoint learns of it although there is nothing to send."""
    async with streaming() as (on, there, _):
        await there.send(chunk(EVENT))
        assert await on.client.chunk() == EVENT
        since = time.monotonic()
        getattr(on.client, how)()
        await let_go(there, since)
    assert on.records[0]["status"] == 499


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_leaves_before_the_head(how: str) -> None:
    """The endpoint need not work on an answer that nobody waits for."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        since = time.monotonic()
        getattr(on.client, how)()
        await let_go(there, since)
    assert on.records[0]["status"] == 499


async def test_a_client_leaves_on_a_unix_socket(tmp_path: Path) -> None:
    """There the kernel tells at once whether it has only stopped sending."""
    async with Origin() as origin:
        async with gateway(config(origin.url).replace("127.0.0.1:0", f"unix:{tmp_path / 'here'}")) as running:
            client = await running.connect()
            await client.send(GET + b"\r\n")
            there = await origin.accept()
            await there.message()
            since = time.monotonic()
            client.close()
            await let_go(there, since)
        assert running.records[0]["status"] == 499


async def test_a_client_that_only_stopped_sending_gets_other_answers() -> None:
    """What is no event stream has an end, and may be waited for."""
    async with stage() as on:
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        on.client.half_close()
        there = await on.origin.accept()
        await there.message()
        await asyncio.sleep(0.3)
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert (await on.client.final()).body == b"ok"


async def test_silence_between_two_events() -> None:
    """It may last as long as stream_idle_timeout, each time anew."""
    async with streaming(balancer='stream_idle_timeout = "400ms"') as (on, there, _):
        for _ in range(3):
            await asyncio.sleep(0.25)
            await there.send(chunk(EVENT))
            assert await on.client.chunk() == EVENT
        assert await on.client.end() == (b"", "RST")
    assert "ReadTimeout" in on.records[0]["error"]


# When the endpoint breaks...


def said(status: int, reason: str, identity: str) -> bytes:
    """The last event."""
    data = f'{{"status":{status},"reason":"{reason}","request_id":"{identity}"}}'
    return f"event: error\ndata: {data}\n\n".encode()


@pytest.mark.parametrize("service", ["", "max_in_flight = 100"], ids=["plain", "careful"])
@pytest.mark.parametrize("half", [b"", b"event: price\ndata: 1"], ids=["between events", "within one"])
async def test_an_endpoint_breaks(service: str, half: bytes) -> None:
    """The client gets whole events, an `error`, and a FIN, but nothing that looks like the end of the answer."""
    async with Origin() as origin:
        async with gateway(config(origin.url, router=ERRORS, service=service)) as running:
            client = await running.connect()
            await client.send(GET + b"\r\n")
            there = await origin.accept()
            await there.message()
            await there.send(HEAD + chunk(EVENT + half))
            await client.head()
            assert await client.chunk() == EVENT
            there.reset()
            last = await client.chunk()
            assert await client.end() == (b"", "FIN")
        [record] = running.records
    assert last == said(502, "Bad Gateway", record["request_id"])
    assert record["status"] == 200
    assert "ConnectionLost" in record["error"]


async def test_an_endpoint_falls_silent() -> None:
    """That is 504."""
    async with streaming(ERRORS, balancer='stream_idle_timeout = "300ms"') as (on, there, _):
        await there.send(chunk(EVENT + b"data: ha"))
        assert await on.client.chunk() == EVENT
        last = await on.client.chunk()
        assert await on.client.end() == (b"", "FIN")
    assert last == said(504, "Gateway Timeout", on.records[0]["request_id"])


async def test_a_compressed_stream_breaks() -> None:
    """The last event is in the same coding."""
    router = f'middlewares = ["small"]\n{ERRORS}'
    async with streaming(router, COMPRESS, b"Accept-Encoding: gzip\r\n") as (on, there, _):
        unpack = zlib.decompressobj(31)
        await there.send(chunk(EVENT))
        got = b""
        while len(got) < len(EVENT):
            got += unpack.decompress(await on.client.chunk())
        there.reset()
        rest, how = await on.client.end()
        assert how == "FIN"
        assert not rest.endswith(b"0\r\n\r\n")
        got += unpack.decompress(rest[rest.index(b"\r\n") + 2 : -2])
        assert not unpack.eof
    assert got == EVENT + said(502, "Bad Gateway", on.records[0]["request_id"])


async def test_a_stream_that_ends() -> None:
    """An end in order is none that needs an event; half an event at the end is the endpoint's business."""
    async with streaming(ERRORS) as (on, there, _):
        await there.send(chunk(EVENT + b"data: ha"), b"0\r\n\r\n")
        assert await on.client.chunk() == EVENT
        assert await on.client.chunk() == b"data: ha"
        assert await on.client.chunk() == b""


@pytest.mark.parametrize(
    ("head", "version"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", b"1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n", b"1.1"),
        (HEAD, b"1.0"),
    ],
    ids=["no events", "known length", "old client"],
)
async def test_where_only_a_reset_tells(head: bytes, version: bytes) -> None:
    """An event must never make an answer look whole, or be where none is expected."""
    async with stage(router=ERRORS) as on:
        await on.client.send(GET.replace(b"1.1", version) + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(head + (chunk(EVENT) if b"chunked" in head else EVENT))
        await on.client.until(b"12\n\n")
        there.reset()
        rest, how = await on.client.end()
        assert how == "RST"
        assert b"error" not in rest


async def test_without_the_option_nothing_is_added() -> None:
    """A reset, as for any answer that breaks off."""
    async with streaming() as (on, there, _):
        await there.send(chunk(EVENT + b"data: ha"))
        assert await on.client.chunk() == EVENT + b"data: ha"
        there.reset()
        assert await on.client.end() == (b"", "RST")
