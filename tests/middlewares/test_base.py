"""The hooks, as a middleware of a third party sees them on a running gateway."""

from __future__ import annotations

from typing import TypedDict

import pytest

from tests.support.gateway import stage
from tests.support.origin import OK
from tests.support.slow_recorder import SlowRecorder

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Settings(TypedDict):
    """Texts for a stage."""

    router: str
    more: str


def chain(*middlewares: str) -> Settings:
    """Settings of a stage whose router has `recorder` middlewares a, b, c … with these options."""
    names = "abc"[: len(middlewares)]
    blocks = [
        f'middlewares "{name}" {{\n type = "recorder"\n name = "{name}"\n {options}\n}}\n'
        for name, options in zip(names, middlewares, strict=True)
    ]
    return {"router": "middlewares = [" + ", ".join(f'"{name}"' for name in names) + "]", "more": "".join(blocks)}


def slow(options: str = "") -> Settings:
    """The same with one `slow-recorder`."""
    return {
        "router": 'middlewares = ["slow"]',
        "more": f'middlewares "slow" {{\n type = "slow-recorder"\n {options}\n}}\n',
    }


async def test_the_order_of_hooks(recorders: list[str]) -> None:
    """Requests in the order written, responses and endings in reverse."""
    async with stage(**chain("", "", "")) as on:
        assert recorders == ["a.open", "b.open", "c.open"]
        recorders.clear()
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        assert recorders == ["a.request", "b.request", "c.request"]
        recorders.clear()
        await there.send(OK)
        assert (await on.client.message()).all(b"x-seen-by") == [b"c", b"b", b"a"]
        assert [note for note in recorders if "body" not in note] == [
            *("c.response", "b.response", "a.response"),
            *("c.done 200", "b.done 200", "a.done 200"),
        ]
        recorders.clear()
    assert sorted(recorders) == ["a.close", "b.close", "c.close"]


@pytest.mark.parametrize(("options", "status"), [("answers = 418", 418), ("refuses = 403", 403)])
async def test_only_those_who_let_it_pass_see_the_answer(recorders: list[str], options: str, status: int) -> None:
    """When b answers, a's hooks run, b's own and c's do not; the endpoint is not asked."""
    async with stage(**chain("", options, "")) as on:
        recorders.clear()
        await on.client.send(GET)
        answer = await on.client.message()
        assert (answer.status, answer.all(b"x-seen-by")) == (status, [b"a"])
        assert answer.body == (b"mine" if status == 418 else answer.body)
        assert recorders == ["a.request", "b.request", "a.response", f"a.done {status}"]
        assert on.origin.wires == []


async def test_a_bug_in_a_request_step(recorders: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """It is 500 without details for the client and a traceback for the operator; the connection goes on."""
    async with stage(**chain("", 'breaks = "request"')) as on:
        recorders.clear()
        for _ in range(2):
            await on.client.send(GET)
            answer = await on.client.message()
            assert (answer.status, b"secret" in answer.body) == (500, False)
        assert recorders == ["a.request", "b.request", "a.response", "a.done 500"] * 2
    assert [one["error"] for one in on.records] == ["RuntimeError in a middleware"] * 2
    assert "a secret detail" in caplog.text


async def test_a_bug_in_a_response_step(recorders: list[str]) -> None:
    """It is one 500, and everyone is told once that it is over. The endpoint's connection is used again if its answer
    was whole, and not if it was not."""
    async with stage(**chain("", 'breaks = "response"')) as on:
        recorders.clear()
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 500
        assert [note for note in recorders if "done" in note] == ["b.done 500", "a.done 500"]
        await on.client.send(GET)
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        assert (await on.client.message()).status == 500
        assert (await there.end())[0] == b""


async def test_a_bug_in_a_response_filter(recorders: list[str]) -> None:
    """It is 500 as long as the head has not gone; after that the client sees a reset and not a short answer."""
    async with stage(**chain('breaks = "response_body"')) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 500
        await on.client.send(GET)
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        assert (await on.client.end())[1] == "RST"
        assert [note for note in recorders if "done" in note] == ["a.done 500", "a.done 200"]


async def test_a_bug_in_a_request_filter(recorders: list[str]) -> None:
    """It is 500, and the endpoint's connection breaks."""
    async with stage(**chain('breaks = "request_body"')) as on:
        await on.client.send(POST + CHUNKED)
        there = await on.origin.accept()
        await there.head()
        await on.client.send(b"1\r\na\r\n")
        assert (await on.client.message()).status == 500
        assert (await there.end())[0] == b""
        assert [note for note in recorders if "done" in note] == ["a.done 500"]


async def test_a_bug_in_done_harms_nobody(recorders: list[str]) -> None:
    """The others are told all the same, and the connection goes on."""
    async with stage(**chain("", 'breaks = "done 200"')) as on:
        on.origin.always()
        for _ in range(2):
            await on.client.send(GET)
            assert (await on.client.message()).status == 200
        assert [note for note in recorders if "done" in note] == ["b.done 200", "a.done 200"] * 2


# Bodies...


@pytest.mark.parametrize("tail", ["", "!"])
async def test_request_filters(recorders: list[str], tail: str) -> None:
    """They see every piece; one that changes the length makes the body chunked, one that does not keeps it."""
    async with stage(**chain(f'tail = "{tail}"')) as on:
        seen = await on.forwarded(POST + b"Content-Length: 4\r\n\r\nbody")
        assert seen.body == b"BODY" + tail.encode()
        assert seen.get(b"content-length") == (None if tail else b"4")
        seen = await on.forwarded(POST + CHUNKED + b"2\r\nbo\r\n2\r\ndy\r\n0\r\nX: 1\r\n\r\n")
        assert (seen.body, seen.trailers) == (b"BODY" + tail.encode(), ((b"X", b"1"),))


@pytest.mark.parametrize("tail", ["", "!"])
@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"])
async def test_response_filters(recorders: list[str], tail: str, answer: bytes) -> None:
    """The same for answers, with the last of one filter passed through the next; an answer that came in one piece has
    its new length."""
    async with stage(**chain(f'tail = "{tail}"', 'tail = "x"' if tail else "")) as on:
        on.origin.always(answer)
        for _ in range(2):
            await on.client.send(GET)
            got = await on.client.message()
            assert got.body == (b"OKX!" if tail else b"OK")
            assert got.get(b"content-length") == (b"%d" % len(got.body) if answer is OK else None)


@pytest.mark.parametrize(
    "request_", [b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["HEAD", "304"]
)
async def test_filters_leave_answers_without_a_body_alone(recorders: list[str], request_: bytes) -> None:
    """T-27: no body, no filter, and the Content-Length the endpoint said."""
    async with stage(**chain('tail = "!"')) as on:
        await on.client.send(request_)
        there = await on.origin.accept()
        await there.message()
        status = b"304 Not Modified" if b"304" in request_ else b"200 OK"
        await there.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 7\r\n\r\n")
        answer = await on.client.message(to=request_.split(b" ")[0])
        assert (answer.get(b"content-length"), answer.get(b"transfer-encoding")) == (b"7", None)


# Waiting...


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("arrives", ["before", "with the head", "after"])
async def test_a_body_that_arrives_while_a_step_waits(recorders: list[str], framing: str, arrives: str) -> None:
    """Body filters see every byte of it, in order, whenever it came."""
    body = b"8\r\nthe body\r\n0\r\n\r\n" if framing == "chunked" else b"the body"
    head = POST + (CHUNKED if framing == "chunked" else b"Content-Length: 8\r\n\r\n")
    async with stage(**slow()) as on:
        if arrives == "with the head":
            await on.client.send(head + body[:5])
            await SlowRecorder.arrived.wait()
            await on.client.send(body[5:])
        else:
            await on.client.send(head)
            await SlowRecorder.arrived.wait()
        if arrives == "before":
            await on.client.send(body)
        assert on.origin.wires == []
        SlowRecorder.gate.set()
        there = await on.origin.accept()
        if arrives == "after":
            await on.client.send(body)
        assert (await there.message()).body == b"THE BODY"
        await there.send(OK)
        assert (await on.client.message()).get(b"x-slow") == b"yes"
        assert recorders == ["request", "response", "done 200"]
        SlowRecorder.gate.clear()
        await on.client.send(GET)
        SlowRecorder.gate.set()
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).body == b"ok"


async def test_a_whole_body_in_the_packet_of_the_head(recorders: list[str]) -> None:
    """The same when head and body are whole before the first step has run, and a request is behind them."""
    async with stage(**slow()) as on:
        on.origin.always()
        await on.client.send(POST + CHUNKED + b"4\r\nbody\r\n0\r\nX: 1\r\n\r\n" + GET)
        await SlowRecorder.arrived.wait()
        SlowRecorder.gate.set()
        assert [(await on.client.message()).status for _ in range(2)] == [200, 200]
        assert [(one.body, one.trailers) for one in on.origin.requests] == [(b"BODY", ((b"X", b"1"),)), (b"", ())]


async def test_an_answer_that_arrives_while_a_step_waits(recorders: list[str]) -> None:
    """It is held, whole and in order, trailers included, until the step lets it go."""
    async with stage(**slow('waits_for = ["response"]')) as on:
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n")
        await SlowRecorder.arrived.wait()
        await there.send(b"5\r\nthree\r\n0\r\nX: 1\r\n\r\n")
        SlowRecorder.gate.set()
        answer = await on.client.message()
        assert (answer.body, answer.trailers) == (b"onetwothree", ((b"X", b"1"),))
        assert recorders == ["request", "response", "done 200"]


@pytest.mark.parametrize("hook", ["request", "response"])
async def test_a_client_that_leaves_while_a_step_waits(recorders: list[str], hook: str) -> None:
    """It is 499, told once; nothing happens when the step comes back."""
    async with stage(**slow(f'waits_for = ["{hook}"]')) as on:
        await on.client.send(GET)
        if hook == "response":
            there = await on.origin.accept()
            await there.message()
            await there.send(OK)
        await SlowRecorder.arrived.wait()
        on.client.reset()
        assert await on.running.deserted()
        SlowRecorder.gate.set()
    assert [one["status"] for one in on.records] == [499]
    assert recorders == (["request"] if hook == "request" else ["request", "response", "done 499"])


async def test_an_endpoint_that_fails_while_a_step_waits(recorders: list[str]) -> None:
    """The client gets exactly one answer."""
    settings = slow('waits_for = ["response"]')
    async with stage(**settings, balancer='stream_total_timeout = "200ms"') as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await SlowRecorder.arrived.wait()
        await there.end()
        SlowRecorder.gate.set()
        assert (await on.client.message()).status == 504
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        second = await on.origin.accept()
        await second.message()
        await second.send(OK)
        assert (await on.client.message()).body == b"ok"
    assert [note for note in recorders if "done" in note] == ["done 504", "done 200"]


async def test_done_is_called_exactly_once(recorders: list[str]) -> None:
    """Whatever happened: an answer, a lost endpoint, a client that left."""
    async with stage(**chain("")) as on:
        await on.forwarded(GET)
        await on.client.send(POST + b"Content-Length: 1\r\n\r\nx")
        await on.origin.wires[0].message()
        on.origin.wires[0].close()
        assert (await on.client.message()).status == 502
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        on.client.reset()
        await there.end()
        assert [note for note in recorders if "done" in note] == ["a.done 200", "a.done 502", "a.done 499"]
