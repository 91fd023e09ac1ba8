"""Bodies on their way: expectations, interim answers, trailers, and answers that have none."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from a3sgw.tasks import spawn
from tests.support.gateway import stage
from tests.support.origin import OK

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LIMIT = 'middlewares "limit" {\n type = "body-limit"\n max_body_bytes = 10\n}'
LIMITED = 'middlewares = ["limit"]'


# Expect: 100-continue...


async def test_the_endpoint_says_continue() -> None:
    """T-23: the expectation goes on, the endpoint's 100 comes back, then the body flows."""
    async with stage() as on:
        await on.client.send(POST + b"Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n")
        there = await on.origin.accept()
        assert (await there.head()).get(b"expect") == b"100-continue"
        await there.send(CONTINUE)
        assert (await on.client.head()).line == b"HTTP/1.1 100 Continue"
        await on.client.send(b"body")
        assert await there.read(4) == b"body"
        await there.send(OK)
        assert (await on.client.message()).body == b"ok"
        assert (await on.forwarded(GET + b"\r\n")).method == b"GET", "the connections of both sides go on"


@pytest.mark.parametrize("pool", ["cold", "warm"])
async def test_the_gateway_says_continue_when_the_endpoint_is_silent(pool: str) -> None:
    """T-23: endpoints that do not know the expectation wait for the body; after a second the gateway asks for it."""
    async with stage() as on:
        if pool == "warm":
            await on.forwarded(GET + b"\r\n")
        await on.client.send(POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        there = on.origin.wires[0] if pool == "warm" else await on.origin.accept()
        await there.head()
        assert (await on.client.head()).status == 100
        await there.send(CONTINUE)
        await on.client.send(b"4\r\nbody\r\n0\r\n\r\n")
        assert await there.chunk() == b"body"
        await there.send(OK)
        assert (await on.client.message()).status == 200, "a second 100 would stand here"


async def test_a_refusal_comes_before_the_body() -> None:
    """T-23: body-limit answers 413 at once; nothing asks for the body and the endpoint never hears of it."""
    async with stage(router=LIMITED, more=LIMIT) as on:
        await on.client.send(POST + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (413, b"close")
        assert await on.client.rest() == b""
        assert on.origin.wires == []


async def test_a_final_answer_instead_of_continue() -> None:
    """T-23: what the endpoint answers instead of 100 reaches the client; since the body may or may not follow, both
    connections end."""
    async with stage() as on:
        await on.client.send(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        there = await on.origin.accept()
        await there.head()
        await there.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (401, b"close")
        assert await on.client.rest() == b""
        assert (await there.end())[0] == b"", "the endpoint's connection is not used for another request"


async def test_a_body_that_comes_without_waiting() -> None:
    """T-23: a client that sends the body at once gets its answer; a late 100 does no harm."""
    async with stage() as on:
        await on.client.send(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
        there = await on.origin.accept()
        assert (await there.message()).body == b"body"
        await there.send(OK)
        answer = await on.client.message()
        while answer.status == 100:
            answer = await on.client.message()
        assert answer.body == b"ok"


async def test_an_unknown_expectation_is_refused() -> None:
    """T-23: 417 for anything but 100-continue."""
    async with stage() as on:
        await on.client.send(POST + b"Expect: 200-maybe\r\nContent-Length: 4\r\n\r\n")
        assert (await on.client.message()).status == 417
        assert on.origin.wires == []


async def test_an_expectation_without_a_body_needs_no_continue() -> None:
    """T-23: with nothing to send, nothing is waited for."""
    async with stage() as on:
        await on.client.send(GET + b"Expect: 100-continue\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 200


async def test_nobody_hears_a_continue_that_was_not_asked_for() -> None:
    """T-23: an endpoint's unasked 100 is dropped."""
    async with stage() as on:
        await on.client.send(POST + b"Content-Length: 1\r\n\r\nx")
        there = await on.origin.accept()
        await there.message()
        await there.send(CONTINUE + CONTINUE + OK)
        assert (await on.client.message()).status == 200


# Slow uploads...


async def test_a_slow_upload_may_take_longer_than_any_idle_time() -> None:
    """T-24: time limits on bodies count silence, not duration: each byte starts the clock anew."""
    async with stage(entrypoint='body_idle_timeout = "400ms"\nread_header_timeout = "300ms"') as on:
        await on.client.send(POST + b"Content-Length: 6\r\n\r\n")
        there = await on.origin.accept()
        await there.head()
        for byte in (b"a", b"b", b"c", b"d", b"e", b"f"):
            await asyncio.sleep(0.2)
            await on.client.send(byte)
            assert await there.read(1) == byte
        await there.send(OK)
        assert (await on.client.message()).status == 200


@pytest.mark.parametrize("framing", [b"Content-Length: 6", b"Transfer-Encoding: chunked"])
async def test_a_silent_upload_is_given_up(framing: bytes) -> None:
    """T-24: nothing for `body_idle_timeout` is 408, and the endpoint's connection ends with it."""
    async with stage(entrypoint='body_idle_timeout = "200ms"') as on:
        await on.client.send(POST + framing + b"\r\n\r\n3\r\nabc"[: 4 if b"L" in framing else None])
        there = await on.origin.accept()
        await there.head()
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (408, b"close")
        await there.end()
    assert "408" in str(on.records[0]["status"])


@pytest.mark.parametrize("pool", ["cold", "warm"])
@pytest.mark.parametrize(
    "request_", [b"Content-Length: 4\r\n\r\n|body", b"Transfer-Encoding: chunked\r\n\r\n|4\r\nbody\r\n0\r\n\r\n"]
)
async def test_a_pause_before_the_body_is_no_fault(request_: bytes, pool: str) -> None:
    """T-24: a client may think for a while between head and body, on a new and on a kept endpoint connection."""
    head, body = request_.split(b"|")
    async with stage() as on:
        if pool == "warm":
            await on.forwarded(GET + b"\r\n")
        await on.client.send(POST + head)
        there = on.origin.wires[0] if pool == "warm" else await on.origin.accept()
        await asyncio.sleep(0.4)
        await on.client.send(body)
        assert (await there.message()).body == b"body"
        await there.send(OK)
        assert (await on.client.message()).status == 200


async def test_a_silent_endpoint_is_given_up() -> None:
    """T-24: no response head within `request_timeout` is 504."""
    async with stage(balancer='request_timeout = "200ms"') as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        assert (await on.client.message()).status == 504
        await there.end()
    assert on.records[0]["error"].startswith("ReadTimeout")


async def test_the_time_to_answer_starts_after_the_upload() -> None:
    """T-24: a slow upload does not use up `request_timeout`."""
    async with stage(balancer='request_timeout = "300ms"') as on:
        await on.client.send(POST + b"Content-Length: 4\r\n\r\n")
        there = await on.origin.accept()
        await there.head()
        for byte in (b"a", b"b", b"c", b"d"):
            await asyncio.sleep(0.2)
            await on.client.send(byte)
        assert await there.read(4) == b"abcd"
        await there.send(OK)
        assert (await on.client.message()).status == 200


async def test_a_stalled_answer_is_given_up() -> None:
    """T-24: an answer that stops for `stream_idle_timeout` is reset, one that goes on slowly is not."""
    async with stage(balancer='stream_idle_timeout = "400ms"\nrequest_timeout = "300ms"') as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        assert (await on.client.head()).status == 200
        for byte in (b"a", b"b", b"c", b"d"):
            await asyncio.sleep(0.2)
            await there.send(byte)
            assert await on.client.read(1) == byte
        assert await on.client.end() == (b"", "RST")


async def test_a_total_limit_ends_an_endless_answer() -> None:
    """T-24: where the operator wants one, `stream_total_timeout` ends an answer however lively it is."""
    async with stage(balancer='stream_total_timeout = "300ms"') as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        ended = spawn(there.end(), "wait for the end")
        while not ended.done():
            await asyncio.wait([ended], timeout=0.05)
            with suppress(OSError):
                await there.send(b"1\r\n.\r\n")
        assert (await on.client.end())[1] == "RST"


# Interim answers...


async def test_early_hints_are_relayed() -> None:
    """T-25: 103 with its fields, as often as the endpoint says it, before the answer."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nX: 1\r\n\r\n")
        hints = await on.client.message()
        assert (hints.line, hints.fields) == (b"HTTP/1.1 103 Early Hints", ((b"Link", b"</a.css>"),))
        await there.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n" + OK)
        assert [(await on.client.message()).status for _ in range(3)] == [102, 103, 200]


async def test_unknown_interim_answers_are_ignored() -> None:
    """T-25: a 1xx nobody knows is never taken for the answer."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\n" + OK)
        assert (await on.client.message()).body == b"ok"


async def test_http_1_0_clients_hear_no_interim_answers() -> None:
    """T-25: HTTP/1.0 knows no 1xx."""
    async with stage() as on:
        await on.client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK)
        assert (await on.client.message()).status == 200


async def test_endless_interim_answers_are_an_error() -> None:
    """T-25: an endpoint cannot keep a request busy with 1xx for ever."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 199 Odd\r\n\r\n" * 200 + OK)
        assert (await on.client.message()).status == 502


# Trailers...


async def test_trailers_of_a_request_go_on() -> None:
    """T-26: with their announcement, but without fields that would frame, route or authenticate."""
    async with stage() as on:
        seen = await on.forwarded(
            POST + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n"
            b"X-Sum: 1\r\nContent-Length: 9\r\nX_Sum: 2\r\nAuthorization: x\r\nX-Forwarded-For: y\r\nHost: z\r\n\r\n"
        )
        assert seen.get(b"trailer") == b"X-Sum"
        assert (seen.body, seen.trailers) == (b"abc", ((b"X-Sum", b"1"),))


@pytest.mark.parametrize("wanted", [True, False])
async def test_trailers_of_an_answer_go_to_who_wants_them(wanted: bool) -> None:
    """T-26: with `TE: trailers` they arrive, announced; without it they are left out, as RFC 9110 §6.5 allows."""
    async with stage() as on:
        await on.client.send(GET + (b"TE: trailers\r\nConnection: TE\r\n" if wanted else b"") + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(
            b"HTTP/1.1 200 OK\r\nTrailer: Grpc-Status\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"3\r\nabc\r\n0\r\nGrpc-St",
            b"atus: 0\r\nSet-Cookie: a\r\n\r\n",
        )
        answer = await on.client.message()
        assert answer.body == b"abc"
        assert answer.trailers == (((b"Grpc-Status", b"0"),) if wanted else ())
        assert answer.get(b"trailer") == (b"Grpc-Status" if wanted else None)


async def test_too_many_trailers_are_refused() -> None:
    """T-26: trailers are bounded in size like heads are."""
    async with stage() as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 5000 + b"\r\n")
        assert (await on.client.message()).status == 400


# Answers without a body...


@pytest.mark.parametrize("framing", [b"Content-Length: 1234\r\n", b"Transfer-Encoding: chunked\r\n", b""])
async def test_an_answer_to_head_has_no_body(framing: bytes) -> None:
    """T-27: HEAD keeps the endpoint's Content-Length, and both connections go on."""
    async with stage() as on:
        for _ in range(2):
            await on.client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            there = on.origin.wires[0] if on.origin.wires else await on.origin.accept()
            await there.message()
            await there.send(b'HTTP/1.1 200 OK\r\nETag: "x"\r\n' + framing + b"\r\n")
            answer = await on.client.message(to=b"HEAD")
            assert (answer.status, answer.get(b"etag")) == (200, b'"x"')
            assert answer.get(b"content-length") == (b"1234" if b"1234" in framing else None)
        assert len(on.origin.wires) == 1


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"HTTP/1.1 204 No Content\r\n", None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", None),
        (b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n', None),
        (b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n', b"77"),
    ],
)
async def test_204_and_304_have_no_body(head: bytes, length: bytes | None) -> None:
    """T-27: no body whatever their fields say, ETag kept, connections kept."""
    async with stage() as on:
        for _ in range(2):
            await on.client.send(GET + b"\r\n")
            there = on.origin.wires[0] if on.origin.wires else await on.origin.accept()
            await there.message()
            await there.send(head + b"\r\n")
            answer = await on.client.message()
            assert (answer.line, answer.get(b"content-length")) == (head.split(b"\r\n")[0], length)
            assert answer.get(b"transfer-encoding") is None
            assert answer.get(b"etag") == (b'"x"' if b"ETag" in head else None)


async def test_a_body_where_none_may_be_does_not_reach_the_next_client() -> None:
    """T-27: an endpoint that sends a body with 204 loses its connection; nobody reads those bytes as an answer."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(
            b"HTTP/1.1 204 No Content\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        )
        assert (await on.client.message()).status == 204
        await on.client.send(GET + b"\r\n")
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_a_long_answer_to_head_or_204_later_is_not_believed_either() -> None:
    """T-27: bytes that arrive on an idle connection close it before another request meets them."""
    async with stage() as on:
        await on.client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        assert (await on.client.message(to=b"HEAD")).status == 200
        await there.send(b"ok")
        await there.end()
        await on.client.send(GET + b"\r\n")
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"


# Streams...


async def test_every_chunk_is_passed_on_at_once() -> None:
    """T-29: an event reaches the client while the answer is still being made."""
    async with stage() as on:
        await on.client.send(GET + b"Accept: text/event-stream\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await on.client.head()).get(b"content-type") == b"text/event-stream"
        for event in (b"data: one\n\n", b"data: two\n\n", b"\n"):
            await there.send(b"%x\r\n%b\r\n" % (len(event), event))
            assert await on.client.chunk() == event
        await there.send(b"0\r\n\r\n")
        assert await on.client.chunk() == b""


async def test_half_a_chunk_is_passed_on_too() -> None:
    """T-29: the gateway does not wait for the rest of a chunk."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabc")
        assert (await on.client.head()).status == 200
        assert await on.client.chunk() == b"abc"
        await there.send(b"defgh\r\n0\r\n\r\n")
        assert await on.client.chunk() == b"defgh"


async def test_every_piece_of_a_request_is_passed_on_at_once() -> None:
    """T-29: the same holds for uploads."""
    async with stage() as on:
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        there = await on.origin.accept()
        await there.head()
        for piece in (b"one", b"two"):
            await on.client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            assert await there.chunk() == piece
        await on.client.send(b"0\r\n\r\n")
        assert await there.chunk() == b""
        await there.send(OK)
        assert (await on.client.message(to=b"POST")).body == b"ok"
