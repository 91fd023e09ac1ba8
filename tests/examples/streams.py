"""Exercises of examples whose connections stay open (see `exercises`)."""

from __future__ import annotations

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.examples.stand import Stand
from tests.support.chat import chat, closed
from tests.support.origin import Origin

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def websocket(stand: Stand) -> None:
    """Two may come in, a third may not; both are told when it ends."""

    async def dial() -> ClientConnection:
        address = stand.gateway.addresses["web"][0]
        return await connect(f"ws://{address}/chat", ping_interval=None, proxy=None)

    async with chat() as there:
        stand.set(CHAT=there.url.rpartition(":")[2], DRAIN="200ms")
        await stand.start()
        clients = [await dial(), await dial()]
        for client in clients:
            await client.send("hello")
            assert await client.recv() == "hello"
        with pytest.raises(InvalidStatus) as refused:
            await dial()
        assert refused.value.response.status_code == 503
        await stand.gateway.shutdown()
        assert [await closed(client) for client in clients] == [(1001, ""), (1001, "")]


async def event_stream(stand: Stand) -> None:
    """Whole events and, when the endpoint is killed, one that says so."""
    async with Origin() as app:
        stand.set(APP=app.port)
        await stand.start()
        client = await stand.connect()
        await client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        there = await app.accept()
        await there.message()
        await there.send(_HEAD + b"d\r\ndata: one\n\nda\r\n")
        await client.head()
        assert await client.chunk() == b"data: one\n\n"
        there.reset()
        assert (await client.chunk()).startswith(b'event: error\ndata: {"status":502,')
        assert await client.end() == (b"", "FIN")
        client.close()
