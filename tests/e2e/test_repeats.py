"""The same request again: what was done to one leaves no trace on the next."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.gateway import Stage, stage
from tests.support.wire import Wire

CHANGING = """
middlewares "strip" {
  type     = "strip-prefix"
  prefixes = ["/api"]
}
middlewares "set" {
  type             = "headers"
  request_headers  = { X-Set = "1", X-Gone = "" }
  response_headers = { X-Answer = "1" }
}
"""
GET = b"GET /api/x?q HTTP/1.1\r\nHost: a.example\r\nX-Gone: 1\r\nX-Kept: 1\r\n\r\n"
CHANGED = [b"host", b"x-kept", b"x-set", b"x-forwarded-prefix"]


async def test_changes_are_made_once_to_each() -> None:
    """Middlewares find every repetition as the client sent it, on one connection and on others, pipelined or not."""
    async with stage(router='middlewares = ["strip", "set"]', more=CHANGING) as on:
        on.origin.always()
        other = await on.running.connect()
        await on.client.send(GET * 3)
        for client in (on.client, on.client, on.client):
            assert (await client.message()).all(b"x-answer") == [b"1"]
        for client in (other, on.client, other):
            await client.send(GET)
            assert (await client.message()).all(b"x-answer") == [b"1"]
        identities = set()
        for seen in on.origin.requests:
            assert seen.target == b"/x?q"
            assert sorted(name for name in seen.names if name in CHANGED or b"gone" in name) == sorted(CHANGED)
            identities.add(seen.get(b"x-request-id"))
        assert len(identities) == 6
    assert [one["path"] for one in on.records] == ["/api/x?q"] * 6


async def test_the_same_head_with_another_body() -> None:
    """A head says nothing about the bytes behind it."""
    head = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
    async with stage() as on:
        on.origin.always()
        await on.client.send(
            head + b"1\r\na\r\n0\r\nX: 1\r\n\r\n" + head + b"2\r\nbc\r\n0\r\n\r\n" + head + b"0\r\n\r\n"
        )
        for _ in range(3):
            assert (await on.client.message()).status == 200
        assert [(one.body, one.trailers) for one in on.origin.requests] == [
            (b"a", ((b"X", b"1"),)),
            (b"bc", ()),
            (b"", ()),
        ]


async def test_a_refused_head_is_refused_again() -> None:
    """Also when the same bytes arrive in other pieces."""
    bad = b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"
    async with stage() as on:
        for pieces in ((bad,), (bad,), (bad[:20], bad[20:])):
            client = await on.running.connect()
            await client.send(*pieces)
            assert (await client.message()).status == 400
        assert on.origin.wires == []


async def test_the_same_head_from_a_stranger_and_from_a_friend() -> None:
    """What is believed depends on the peer, not on what another peer was believed for the same bytes."""
    claim = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n"
    friendly = """
    entrypoints "friend" {
      address     = "127.0.0.1:0"
      trusted_ips = ["127.0.0.1"]
    }
    """
    async with stage(more=friendly) as on:
        on.origin.always()
        for entrypoint in ("web", "friend", "web", "friend"):
            client = await on.running.connect(entrypoint)
            await client.send(claim)
            assert (await client.message()).status == 200
        assert [one.get(b"x-forwarded-for") for one in on.origin.requests] == [
            *(b"127.0.0.1", b"192.0.2.1, 127.0.0.1"),
            *(b"127.0.0.1", b"192.0.2.1, 127.0.0.1"),
        ]
        assert [one.get(b"x-forwarded-proto") for one in on.origin.requests] == [b"http", b"https"] * 2


async def test_the_same_answer_again() -> None:
    """An answer that repeats byte by byte is framed and changed anew each time."""
    head = b"HTTP/1.1 200 OK\r\nX-Answer: 0\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with stage(router='middlewares = ["set"]', more=CHANGING) as on:
        on.origin.always(head + b"2\r\nok\r\n0\r\nT: 1\r\n\r\n")
        for te in (b"", b"TE: trailers\r\nConnection: TE\r\n", b""):
            await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + te + b"\r\n")
            got = await on.client.message()
            assert (got.body, got.all(b"x-answer")) == (b"ok", [b"1"])
            assert (got.get(b"trailer"), len(got.trailers)) == ((b"T", 1) if te else (None, 0))


LINES = (
    b"GET /a HTTP/1.1|GET /a?q HTTP/1.1|HEAD /a HTTP/1.1|GET /a HTTP/1.0|POST /a HTTP/1.1|OPTIONS * HTTP/1.1"
    b"|BREW /a HTTP/1.1|GET /x/../a HTTP/1.1|GET /%61%2f HTTP/1.1|GET //a HTTP/1.1|GET http://b.example/a HTTP/1.1"
    b"|GET /% HTTP/1.1|GET /caf\xc3\xa9 HTTP/1.1|GET  HTTP/1.1|CONNECT /a HTTP/1.1|GET /a HTTP/1.2|GET /a\\b HTTP/1.1"
    b"|GET /a#b HTTP/1.1|get /a HTTP/1.1|GET /a  HTTP/1.1|GET /unknown HTTP/1.1".split(b"|")
)
BLOCKS = (
    b"Host: a.example\r\n|Host: b.example:81\r\n|Host: a.example\r\nConnection: keep-alive\r\n"
    b"|Host: a.example\r\nConnection: close\r\n|Host: a.example\r\nConnection: X-A\r\nX-A: 1\r\nX-B: 2\r\n"
    b"|Host: a.example\r\nX_A: 1\r\nX-Forwarded-For: 192.0.2.1\r\n|X: 1\r\n|Host: a\r\nHost: b\r\n|Host: a b\r\n"
    b"|Host: a.example\r\nContent-Length: 0\r\n|Host: a.example\r\nTE: trailers\r\nX-Gone: 1\r\n".split(b"|")
)
HEADS = st.tuples(st.sampled_from(LINES), st.sampled_from(BLOCKS)).map(
    lambda both: both[0] + b"\r\n" + both[1] + b"\r\n"
)


def test_a_connection_remembers_nothing() -> None:
    """Whatever was asked before on a connection, a request gets the answer, and becomes what, it would on a new one."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        middlewares = 'middlewares = ["set"]'
        on = runner.run(stack.enter_async_context(stage(rule="!Path(`/unknown`)", router=middlewares, more=CHANGING)))
        runner.run(_always(on))

        @settings(max_examples=150, deadline=None)
        @given(st.lists(HEADS, min_size=2, max_size=6))
        def check(heads: list[bytes]) -> None:
            alone = runner.run(outcomes(on, [[head] for head in heads]))
            assert runner.run(outcomes(on, [heads])) == alone

        try:
            check()
        finally:
            runner.run(stack.aclose())


async def _always(on: Stage) -> None:
    on.origin.always()


async def outcomes(on: Stage, connections: list[list[bytes]]) -> list[tuple[object, ...]]:
    """Per request: status, persistence, and what the endpoint got but for the request's id."""
    found: list[tuple[object, ...]] = []
    for heads in connections:
        client: Wire | None = None
        for head in heads:
            client = client or await on.running.connect()
            on.origin.requests.clear()
            await client.send(head)
            answer = await client.message(to=head.split(b" ", 1)[0])
            seen = [
                (one.line, [field for field in one.fields if field[0] != b"X-Request-Id"]) for one in on.origin.requests
            ]
            found.append((answer.status, answer.get(b"connection"), answer.all(b"x-answer"), seen))
            if answer.get(b"connection") == b"close":
                client.close()
                client = None
        if client is not None:
            client.close()
    return found
