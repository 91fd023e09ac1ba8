"""Clients that leave, and clients that have only stopped talking."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.gateway import stage
from tests.support.origin import OK

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"


async def test_a_client_that_resets_cancels_its_request() -> None:
    """T-30: the endpoint's connection is closed at once, and the access log says 499."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        on.client.reset()
        await there.end()
    assert [(one["status"], one["error"]) for one in on.records] == [(499, "the client left")]


async def test_a_client_that_closes_cancels_its_request() -> None:
    """T-30: a close looks like a half-close until something is sent; the gateway finds out within a second."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        on.client.close()
        await there.end()
    assert [one["status"] for one in on.records] == [499]


async def test_a_client_that_leaves_while_it_is_answered() -> None:
    """T-30: the same in the middle of an answer."""
    async with stage() as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await on.client.head()
        on.client.reset()
        await there.end()
    assert [(one["status"], one["sent"]) for one in on.records] == [(499, 3)]


async def test_a_client_that_leaves_while_it_sends() -> None:
    """T-30: an upload that breaks off breaks off at the endpoint, too: it never looks whole."""
    async with stage() as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        there = await on.origin.accept()
        await there.head()
        assert await there.chunk() == b"abc"
        on.client.reset()
        data, _ = await there.end()
        assert data == b""
    assert [(one["status"], one["received"]) for one in on.records] == [(499, 3)]


@pytest.mark.parametrize("framing", [b"Content-Length: 6", b"Transfer-Encoding: chunked"])
async def test_a_half_closed_upload_is_refused(framing: bytes) -> None:
    """T-30: a FIN within the body is 400, and the endpoint's connection is broken, not ended."""
    async with stage() as on:
        await on.client.send(POST + framing + b"\r\n\r\n3\r\n")
        there = await on.origin.accept()
        await there.head()
        on.client.half_close()
        assert (await on.client.message()).status == 400
        data, _ = await there.end()
        assert b"0\r\n" not in data


async def test_a_client_that_leaves_before_it_has_asked() -> None:
    """T-30: half a head and a FIN is nobody's request: the endpoint is not asked."""
    async with stage() as on:
        await on.client.send(GET[:20])
        on.client.half_close()
        data, _ = await on.client.end()
        assert data == b"" or data.startswith(b"HTTP/1.1 400")
        assert on.origin.wires == []


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
async def test_a_half_closed_client_gets_its_answer(late: bool) -> None:
    """T-30: who has only stopped sending (`nc -N`, old libraries) still gets the answer, then a FIN; maybe a 1xx."""
    async with stage() as on:
        await on.client.send(GET)
        on.client.half_close()
        there = await on.origin.accept()
        await there.message()
        if late:
            await asyncio.sleep(0.5)
        await there.send(OK)
        answer = await on.client.message()
        while answer.status == 100:
            answer = await on.client.message()
        assert answer.body == b"ok"
        assert await on.client.end() == (b"", "FIN")
    assert [one["status"] for one in on.records] == [200]


async def test_a_half_closed_client_gets_a_slow_answer_whole() -> None:
    """T-30: the same when the answer takes its time."""
    async with stage() as on:
        await on.client.send(GET)
        on.client.half_close()
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for byte in (b"a", b"b", b"c", b"d"):
            await asyncio.sleep(0.15)
            await there.send(byte)
        answer = await on.client.message()
        while answer.status == 100:
            answer = await on.client.message()
        assert answer.body == b"abcd"


async def test_a_half_closed_client_gets_all_its_answers() -> None:
    """T-30: requests sent ahead of the FIN are all answered, in order."""
    async with stage() as on:
        on.origin.always()
        await on.client.send(GET * 3)
        on.client.half_close()
        for _ in range(3):
            answer = await on.client.message()
            while answer.status == 100:
                answer = await on.client.message()
            assert answer.body == b"ok"
        assert await on.client.end() == (b"", "FIN")
    assert [one["status"] for one in on.records] == [200, 200, 200]
