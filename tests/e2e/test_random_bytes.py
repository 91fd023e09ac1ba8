"""Random bytes from both sides: the same answers however they are split, and nothing that kills the gateway."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import pairwise

import uvloop
from httptools import HttpParserError, HttpResponseParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.gateway import Stage, stage
from tests.support.origin import OK

few = settings(max_examples=80, deadline=None)
GET = b"GET /get HTTP/1.1\r\nHost: a.example\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


@contextmanager
def played() -> Iterator[tuple[asyncio.Runner, Stage]]:
    """One stage for many examples, each run for itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        on = runner.run(stack.enter_async_context(stage(rule="!Path(`/unknown`)")))
        try:
            yield runner, on
        finally:
            runner.run(stack.aclose())


# Requests in pieces...

BREW = b"\r\nBREW /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"
REQUESTS = {
    GET: (200, (b"GET", b"/get", b"")),
    b"GET /unknown HTTP/1.1\r\nHost: a\r\n\r\n": (404, None),
    b"POST /unknown HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345": (404, None),
    b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n": (
        200,
        (b"POST", b"/length", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ),
    b"PUT /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n": (
        200,
        (b"PUT", b"/chunks", b"a0123456789"),
    ),
    BREW: (200, (b"BREW", b"/caf%C3%A9", b"")),
}


def test_splitting_changes_nothing() -> None:
    """A pipelined stream in random pieces gets the answers, and reaches the endpoint, as in one packet."""
    with played() as (runner, on):

        @few
        @example([BREW, BREW], [3])  # a head in doubt, begun in an earlier piece, and another one behind it
        @given(st.lists(st.sampled_from(list(REQUESTS)), max_size=5), st.lists(st.integers(0, 5000), max_size=12))
        def check(requests: list[bytes], places: list[int]) -> None:
            stream = b"".join(requests) + LAST
            edges = [0, *sorted(place % len(stream) for place in places), len(stream)]
            pieces = [stream[first:last] for first, last in pairwise(edges)]
            statuses, seen = runner.run(answers(on, [piece for piece in pieces if piece], len(requests) + 1))
            assert statuses == [REQUESTS[one][0] for one in requests] + [200]
            assert seen == [REQUESTS[one][1] for one in requests if REQUESTS[one][1]] + [(b"GET", b"/last", b"")]

        runner.run(_always(on))
        check()


async def _always(on: Stage) -> None:
    on.origin.always()


async def answers(on: Stage, pieces: list[bytes], count: int) -> tuple[list[int], list[tuple[bytes, bytes, bytes]]]:
    """Statuses of `count` answers, and what the endpoint saw of the requests."""
    on.origin.requests.clear()
    client = await on.running.connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
        await client.send(piece)
        await asyncio.sleep(0)
    statuses = [(await client.message()).status for _ in range(count)]
    assert await client.rest() == b""
    client.close()
    return statuses, [(one.method, one.target, one.body) for one in on.origin.requests]


# Garbage from clients...

PARTS = st.sampled_from(
    b"GET |POST |/| HTTP/1.1|\r\n|\r\n\r\n|\n|\r|Host: a\r\n|Host:|: |\x00|\xff|Content-Length: 5\r\n|0\r\n\r\n"
    b"|5\r\nabcde\r\n|Transfer-Encoding: chunked\r\n|Expect: 100-continue\r\n|Connection: Upgrade\r\n"
    b"|Upgrade: websocket\r\n|\x16\x03\x01|PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n|GET /get HTTP/1.1\r\nHost: a\r\n\r\n".split(
        b"|"
    )
)
STREAMS = st.one_of(
    st.binary(max_size=200),
    st.lists(PARTS, max_size=12).map(b"".join),
    st.tuples(st.lists(PARTS, max_size=6).map(b"".join), st.binary(max_size=20)).map(b"".join),
)


def test_garbage_from_a_client_ends_in_an_answer_or_a_close() -> None:
    """Whatever comes in, every answer is a whole one, the connection ends, and the next client is served."""
    with played() as (runner, on):
        runner.run(_always(on))

        @few
        @given(STREAMS)
        def check(stream: bytes) -> None:
            data, how = runner.run(babble(on, stream))
            assert how == "FIN" or not data
            statuses = whole_answers(data)
            assert all(status in (100, 200, 404) or 400 <= status < 600 for status in statuses)
            assert runner.run(on.running.ask(LAST)).status == 200

        check()


async def babble(on: Stage, stream: bytes) -> tuple[bytes, str]:
    """What a client that sends this and then half-closes gets back."""
    client = await on.running.connect()
    try:
        await client.send(stream)
        client.half_close()
    except OSError:
        pass
    ended = await client.end()
    client.close()
    return ended


def whole_answers(data: bytes) -> list[int]:
    """The statuses in `data`; an answer that is not whole, or bytes that belong to none, are an error."""
    statuses = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        assert head.startswith(b"HTTP/1.1 ")
        statuses.append(int(head[9:12]))
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:") and statuses[-1] >= 200:
                length = int(line.split(b":")[1])
                assert len(data) >= length
                data = data[length:]
    return statuses


# Garbage from endpoints...

PIECES = st.sampled_from(
    b"HTTP/1.1 200 OK\r\n|HTTP/1.1 |HTTP/1.0 200 OK\r\n|HTTP/1.1 103 E\r\n\r\n|HTTP/1.1 204 N\r\n|Content-Length: 5\r\n"
    b"|Transfer-Encoding: chunked\r\n|\r\n|5\r\nabcde\r\n|0\r\n\r\n|abcde|Connection: close\r\n|X: y\r\n|\n|\x00|200 "
    b"|HTTP/1.1 101 S\r\n\r\n".split(b"|")
)
STARTS = st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", OK])
ANSWERS = st.one_of(
    st.binary(max_size=100),
    st.tuples(STARTS, st.lists(PIECES, max_size=8).map(b"".join)).map(b"".join),
)


def test_garbage_from_an_endpoint_never_looks_whole() -> None:
    """The client gets a whole answer with a FIN, or a RST: nothing in between; and the next request is served."""
    with played() as (runner, on):

        @few
        @given(ANSWERS)
        def check(answer: bytes) -> None:
            data, how = runner.run(garbled(on, answer))
            assert how == "RST" or completes(data), (data, how)

        check()


async def garbled(on: Stage, answer: bytes) -> tuple[bytes, str]:
    """What a client gets when the endpoint answers with this and closes."""
    client = await on.running.connect()
    await client.send(LAST)
    there = await on.origin.accept()
    await there.message()
    await there.send(answer)
    there.close()
    ended = await client.end()
    client.close()
    return ended


def completes(data: bytes) -> bool:
    """Whether llhttp sees a whole final answer in `data`, not counting on the FIN to end it."""
    seen: list[int] = []

    class Owner:
        def on_message_complete(self) -> None:
            seen.append(parser.get_status_code())

    parser = HttpResponseParser(Owner())
    try:
        parser.feed_data(data)
    except HttpParserError:
        pass
    return any(status >= 200 for status in seen)
