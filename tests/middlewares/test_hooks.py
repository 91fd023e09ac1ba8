"""Hooks that wait only when they must, look at whole bodies, and put other answers in the place of one."""

from __future__ import annotations

import asyncio

import pytest

from a3sgw import load_config, snapshot
from tests.support.gateway import config, gateway, stage
from tests.support.judge import Judge
from tests.support.origin import OK

ROUTER = 'middlewares = ["j"]'
PAGE = 'middlewares "j" {\n type = "judge"\n page = "sorry"\n}'
LOOKS = 'middlewares "j" {\n type = "judge"\n looks_at = 10\n}'
HEAD = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
pytestmark = pytest.mark.usefixtures("recorders")


@pytest.mark.parametrize("when", [b"now", b"later"])
@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"Content-Length: 10\r\n", b"0123456789"),
        (b"Content-Length: 0\r\n", b""),
        (b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n", b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"),
    ],
)
async def test_another_answer_instead(when: bytes, fields: bytes, body: bytes) -> None:
    """It replaces head and body, however the endpoint's is framed; both connections go on to the next request."""
    get = b"GET / HTTP/1.1\r\nHost: a.example\r\nTE: trailers\r\nX-Page: %b\r\n\r\n" % when
    async with stage(router=ROUTER, more=PAGE) as on:
        for _ in range(2):
            await on.client.send(get)
            there = on.origin.wires[-1] if on.origin.wires else await on.origin.accept()
            await there.message()
            await there.send(b"HTTP/1.1 503 Busy\r\nX-Internal: secret\r\n%b\r\n%b" % (fields, body))
            answer = await on.client.message()
            assert (answer.status, answer.body, answer.get(b"x-internal")) == (503, b"sorry", None)
            assert answer.get(b"content-length") == b"5"
            assert answer.get(b"x-page") == (b"later" if when == b"later" else b"yes")
        assert len(on.origin.wires) == 1
    assert [one["sent"] for one in on.records] == [5, 5]


async def test_another_answer_does_not_wait_for_the_one_it_replaces() -> None:
    """It goes to the client at once, while the endpoint still talks, or breaks off; what is too long is broken off."""
    get = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    async with stage(router=ROUTER, more=PAGE) as on:
        await on.client.send(get)
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 500 X\r\nContent-Length: 1000000\r\n\r\nhalf")
        answer = await on.client.message()
        assert (answer.status, answer.body) == (500, b"sorry")
        await on.client.send(get)
        other = await on.origin.accept()
        await other.message()
        await other.send(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        assert (await on.client.message()).body == b"sorry"
        other.reset()
        await there.send(b"x" * 100_000)
        assert (await there.end())[0] == b""
    assert [one["error"] for one in on.records] == ["", ""]


async def test_what_is_left_of_it_has_an_end() -> None:
    """An endpoint that hangs or drips after such an answer does not keep its connection."""
    async with stage(router=ROUTER, more=PAGE) as on:
        wires = []
        for _ in range(2):
            client = await on.running.connect()
            await client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            there = await on.origin.accept()
            await there.message()
            await there.send(b"HTTP/1.1 500 X\r\nContent-Length: 1000\r\n\r\nhalf")
            assert (await client.message()).body == b"sorry"
            client.close()
            wires.append(there)
        await wires[1].send(b"x")
        for there in wires:
            assert (await there.end())[0] == b""


async def test_what_is_left_of_it_is_read() -> None:
    """A short rest that comes later is no reason to give up the connection."""
    get = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    async with stage(router=ROUTER, more=PAGE) as on:
        await on.client.send(get)
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 500 X\r\nContent-Length: 6\r\n\r\nabc")
        assert (await on.client.message()).body == b"sorry"
        await there.send(b"def")
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Judge: wait\r\n\r\n")
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 200
        assert len(on.origin.wires) == 1


async def test_head_gets_the_length_only() -> None:
    """No body follows it, and the next answer is not mistaken for one."""
    async with stage(router=ROUTER, more=PAGE) as on:
        await on.client.send(b"HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 500 X\r\nContent-Length: 7\r\n\r\n")
        answer = await on.client.message(to=b"HEAD")
        assert (answer.status, answer.get(b"content-length"), answer.body) == (500, b"5", b"")
        await on.client.send(HEAD + b"Content-Length: 0\r\n\r\n")
        await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 200


@pytest.mark.parametrize("when", [b"now", b"later"])
async def test_an_answer_of_the_gateway_is_replaced_too(when: bytes) -> None:
    """The page also stands for 502."""
    async with stage(router=ROUTER, more=PAGE) as on:
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Page: %b\r\n\r\n" % when)
        there = await on.origin.accept()
        await there.message()
        there.close()
        answer = await on.client.message()
        assert (answer.status, answer.body) == (502, b"sorry")


@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\nabcde", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"]
)
async def test_a_whole_body_is_seen_and_sent_on(body: bytes) -> None:
    """It is gathered before the chain is asked, and the endpoint gets it as it was."""
    async with stage(router=ROUTER, more=LOOKS) as on:
        seen = await on.forwarded(HEAD + body)
        assert (seen.body, seen.get(b"x-saw")) == (b"abcde", b"abcde")
        seen = await on.forwarded(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert seen.get(b"x-saw") is None


async def test_the_client_is_asked_for_the_body() -> None:
    """With Expect: 100-continue nothing would come otherwise; the endpoint is not asked a second time."""
    async with stage(router=ROUTER, more=LOOKS) as on:
        await on.client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await on.client.head()).status == 100
        await on.client.send(b"abc")
        there = await on.origin.accept()
        seen = await there.message()
        assert (seen.body, seen.get(b"expect")) == (b"abc", None)
        await there.send(OK)
        assert (await on.client.message()).status == 200


@pytest.mark.parametrize(
    "body", [b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n"]
)
async def test_a_body_longer_than_it_looks_at(body: bytes) -> None:
    """413, as soon as that is known, and nobody is asked."""
    async with stage(router=ROUTER, more=LOOKS) as on:
        await on.client.send(HEAD + body)
        assert (await on.client.message()).status == 413
        assert on.origin.wires == []


async def test_those_before_it_are_asked_before_the_body() -> None:
    """Whom they refuse sends no body, and is refused by them; what they do to answers is done to 413 as well."""
    more = LOOKS + '\nmiddlewares "first" {\n type = "judge"\n page = "sorry"\n}\n'
    more += 'middlewares "c" {\n type = "cors"\n allowed_origins = ["*"]\n}\n'
    router = 'middlewares = ["first", "c", "j"]'
    async with stage(router=router, more=more) as on:
        for told, status in ((b"403", 403), (b"wait 403", 403), (b"", 413), (b"wait", 413)):
            expect = b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"
            wire = await on.running.connect()
            await wire.send(HEAD + b"X-Judge: " + told + b"\r\n" + expect)
            answer = await wire.message()
            assert (answer.status, answer.get(b"access-control-allow-origin")) == (status, b"*")
            wire.close()
        assert on.running.gateway.metrics().totals()["middlewares"] == {"first": {"refused": 2}, "j": {"refused": 2}}
        seen = await on.forwarded(HEAD + b"X-Judge: wait\r\nContent-Length: 3\r\n\r\nabc")
        assert (seen.body, seen.get(b"x-saw")) == (b"abc", b"abc")
        assert on.origin.wires[0] is on.origin.wires[-1]


async def test_a_client_that_leaves_while_a_step_waits() -> None:
    """Its exchange ends, and nothing that was begun for it is left behind."""
    async with stage(router=ROUTER, more=PAGE) as on:
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Judge: wait\r\n\r\n")
        on.client.reset()
        other = await on.running.connect()
        await other.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Judge: 403\r\n\r\n")
        assert (await other.message()).status == 403


async def test_one_that_never_opens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A reload does not hang on it: it is refused, and what was there goes on."""
    monkeypatch.setattr(snapshot, "_OPENING", 0.05)
    monkeypatch.setattr(Judge, "open", lambda self: asyncio.Event().wait())
    async with gateway(config("http://127.0.0.1:1")) as running:
        text = config("http://127.0.0.1:1", router=ROUTER, more=LOOKS)
        assert not await running.gateway.reload(load_config(text))
        assert 'the middleware "j" did not open within' in caplog.text
        get = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
        assert (await running.ask(get)).status == 502
