"""Where a message ends: nothing ambiguous goes through, nothing truncated looks whole."""

from __future__ import annotations

import pytest

from tests.support.gateway import stage
from tests.support.origin import OK

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"

AMBIGUOUS = {
    "both framings": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both framings, other order": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths that differ": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a negative length": b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": b"Content-Length: 0x3\r\n\r\nabc",
    "a length with a space inside": b"Content-Length: 1 3\r\n\r\nabc",
    "an empty length": b"Content-Length: \r\n\r\nabc",
    "a length beyond 64 bits": b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "a space before the colon": b"Content-Length : 3\r\n\r\nabc",
    "a space before the coding's colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded field": b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a coding after chunked": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a vertical tab in the coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a tab behind the coding": b"Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a length in underscore disguise": b"Content_Length: 3\r\n\r\nabc",
    "a coding in underscore disguise": b"Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare LF in the head": b"X-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare CR in a value": b"X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a NUL in a value": b"X-A: b\x00c\r\n\r\n",
    "a field without a colon": b"X-A\r\n\r\n",
    "a field without a name": b": b\r\n\r\n",
}


@pytest.mark.parametrize("tail", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_ambiguous_framing_is_refused(tail: bytes) -> None:
    """T-1: whatever two parsers could frame in two ways is refused, the connection ends, the origin hears nothing."""
    async with stage() as on:
        await on.client.send(POST + tail + GET + b"\r\n")
        answer = await on.client.message()
        assert answer.status in (400, 501)
        assert answer.get(b"connection") == b"close"
        assert await on.client.rest() == b"", "a second answer was made of bytes that belong to nobody"
        assert on.origin.wires == []
    assert [record["status"] for record in on.records] == [answer.status]


@pytest.mark.parametrize("coding", [b"chunked", b" chunked ", b"Chunked", b"CHUNKED"])
async def test_an_unusual_spelling_of_chunked_is_framed_anew(coding: bytes) -> None:
    """T-1: what is legally `chunked` is read as such, and forwarded in the one spelling everyone understands."""
    async with stage() as on:
        seen = await on.forwarded(POST + b"Transfer-Encoding:" + coding + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert seen.get(b"transfer-encoding") == b"chunked"
        assert seen.body == b"abc"


@pytest.mark.parametrize("method", [b"DELETE", b"OPTIONS", b"POST", b"PATCH"])
async def test_any_method_may_have_a_chunked_body(method: bytes) -> None:
    """T-1: a chunked body of DELETE or OPTIONS goes on as it is, never as `Content-Length: 0` with a body behind."""
    async with stage() as on:
        seen = await on.forwarded(
            method + b" / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
        assert (seen.get(b"content-length"), seen.body) == (None, b"abc")


BROKEN_CHUNKS = {
    "no size": b"\r\n",
    "not hexadecimal": b"xyz\r\n",
    "a size with a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"fffffffffffffffff\r\n",
    "a bare LF behind the size": b"3\nabc\r\n0\r\n\r\n",
    "a space behind the size": b"3 \r\nabc\r\n0\r\n\r\n",
    "more than the size says": b"3\r\nabcd\r\n0\r\n\r\n",
    "a bare LF behind the data": b"3\r\nabc\n0\r\n\r\n",
    "a bare CR in an extension": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "a bare LF in an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a malformed trailer": b"0\r\nno colon\r\n\r\n",
    "a folded trailer": b"0\r\nA: b\r\n c\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS.keys())
async def test_a_malformed_chunk_is_refused(chunks: bytes) -> None:
    """T-1: chunked coding is read strictly; the client gets 400, the origin a connection that breaks."""
    async with stage() as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + GET + b"\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (400, b"close")
        assert await on.client.rest() == b""


async def test_a_chunk_extension_is_not_forwarded() -> None:
    """T-1: extensions are dropped, since the chunks of both sides are not the same."""
    async with stage() as on:
        seen = await on.forwarded(
            POST + b'Transfer-Encoding: chunked\r\n\r\n3;a=b;c="d e"\r\nabc\r\n0;last\r\n\r\n',
        )
        assert seen.body == b"abc"


async def test_bytes_behind_a_request_are_the_next_request() -> None:
    """T-1: a body ends exactly where its length says, and what follows is read as a request of its own."""
    async with stage() as on:
        on.origin.always()
        await on.client.send(POST + b"Content-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await on.client.message()).status == 200
        assert (await on.client.message()).status == 200
        assert [(one.method, one.target, one.body) for one in on.origin.requests] == [
            (b"POST", b"/", b"abc"),
            (b"GET", b"/next", b""),
        ]


# Truncated answers...


@pytest.mark.parametrize(
    ("head", "sent"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n0\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nabc"),
    ],
    ids=["length", "chunked", "chunked without its last line", "within a chunk"],
)
async def test_a_truncated_answer_is_reset(head: bytes, sent: bytes) -> None:
    """T-2: an answer that ends too early ends with a RST at the client, never with a FIN or a last chunk."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(head + sent)
        assert (await on.client.head()).status == 200
        there.close()
        data, how = await on.client.end()
        assert how == "RST"
        assert b"0\r\n\r\n" not in data
    assert "ConnectionLost" in on.records[0]["error"]


async def test_an_answer_until_close_that_is_reset_is_reset() -> None:
    """T-2: without a length only the FIN says that an answer is whole; a RST of the origin is passed on as one."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        assert (await on.client.head()).get(b"transfer-encoding") == b"chunked"
        assert await on.client.chunk() == b"abc"
        there.reset()
        assert await on.client.end() == (b"", "RST")


async def test_an_answer_until_close_is_whole_at_the_fin() -> None:
    """T-2: an answer that lasts until the origin closes gets a last chunk, and the client keeps its connection."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        there.close()
        answer = await on.client.message()
        assert (answer.body, answer.get(b"connection")) == (b"abc", None)
        await on.client.send(GET + b"\r\n")
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_an_http_1_0_client_is_reset_too() -> None:
    """T-2: to an HTTP/1.0 client a FIN means "whole", so a truncated answer must not end with one."""
    async with stage() as on:
        await on.client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        head = await on.client.head()
        assert (head.get(b"transfer-encoding"), head.get(b"content-length")) == (None, None)
        assert await on.client.read(3) == b"abc"
        there.close()
        assert await on.client.end() == (b"", "RST")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
        b"HTTP/1.1 200 OK\r\nX-A: b\nX-C: d\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\x00\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n",
    ],
)
async def test_a_malformed_answer_becomes_502(answer: bytes) -> None:
    """T-1: an answer that is not one clear HTTP/1.1 response is never forwarded, nor its connection used again."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(answer)
        got = await on.client.message()
        assert got.status == 502
        assert got.get(b"connection") is None
        assert (await there.end())[0] == b""
        await on.client.send(GET + b"\r\n")
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"
    assert "ProtocolError" in on.records[0]["error"]
