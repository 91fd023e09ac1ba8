"""Asking again: when, whom, how often, with what, and when not."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from tests.support.gateway import config, gateway
from tests.support.origin import OK, Origin, Part
from tests.support.parts import (
    answers,
    closes_within_body,
    hangs,
    lies_about_length,
    resets,
    resets_within_head,
    talks_nonsense,
)
from tests.support.services import GET, events
from tests.support.wire import Message, Wire

POST = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody"
PUT = POST.replace(b"POST", b"PUT")
CHUNKED = b"PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"
RETRIES = "retries { max_retries = 3 }"


PARTS = [resets, resets_within_head, talks_nonsense, lies_about_length]


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("request_", [GET, PUT, CHUNKED], ids=["GET", "PUT", "chunked"])
async def test_another_endpoint_is_asked(part: Part, request_: bytes) -> None:
    """Whatever an endpoint does before its answer, an idempotent request gets that of another, with the whole body."""
    async with Origin() as bad, Origin() as good:
        bad.play(part)
        good.always()
        async with gateway(config(bad.url, good.url, service=RETRIES)) as running:
            for _ in range(4):
                assert (await running.ask(request_)).body == b"ok"
            assert len(good.requests) == 4
            assert {one.body for one in good.requests} == {b"" if request_ is GET else b"body"}
            assert events(running)["retries"] == len(bad.requests) > 0
    assert sum(one["retries"] for one in running.records) == len(bad.requests)
    assert all(one["endpoint"] == good.url for one in running.records)


async def test_one_that_hangs_is_given_up() -> None:
    """After request_timeout the next endpoint has the same time again."""
    async with Origin() as bad, Origin() as good:
        bad.play(hangs)
        good.always()
        hcl = config(bad.url, good.url, balancer='request_timeout = "200ms"', service=RETRIES)
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).body == b"ok"
            assert len(bad.requests) == 1


async def test_a_post_is_not_repeated() -> None:
    """Nobody knows what the endpoint has done with it; the client is told that it failed."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        async with gateway(config(bad.url, good.url, service=RETRIES)) as running:
            statuses = [(await running.ask(POST)).status for _ in range(2)]
            assert sorted(statuses) == [200, 502]


async def test_a_post_that_was_not_sent_is_sent_elsewhere() -> None:
    """Without a connection nothing has been sent, so any method may go on, and that costs no retry."""
    async with Origin() as gone, Origin() as good:
        gone.refuse()
        good.always()
        async with gateway(config(gone.url, good.url, service=RETRIES)) as running:
            assert [(await running.ask(POST)).body for _ in range(4)] == [b"ok"] * 4
            assert {one.body for one in good.requests} == {b"body"}
            assert "retries" not in events(running)
            assert events(running)["redispatches"] > 0


async def test_listed_statuses() -> None:
    """They are retried whatever the method; others go to the client."""
    retries = "retries { statuses = [503] }"
    async with Origin() as bad, Origin() as good:
        bad.play(answers(503))
        good.always()
        async with gateway(config(bad.url, good.url, service=retries)) as running:
            assert [(await running.ask(POST)).status for _ in range(4)] == [200] * 4
            assert {one.body for one in good.requests} == {b"body"}
    async with Origin() as bad:
        bad.play(answers(500))
        async with gateway(config(bad.url, service=retries)) as running:
            assert (await running.ask(GET)).status == 500
            assert len(bad.requests) == 1


async def test_only_listed_statuses_if_wanted() -> None:
    """Without on_network_errors a reset is told to the client, and a listed status is still mended."""
    retries = "retries {\n on_network_errors = false\n statuses = [503]\n}"
    async with Origin() as bad:
        bad.play(resets)
        async with gateway(config(bad.url, service=retries)) as running:
            assert (await running.ask(GET)).status == 502
            assert len(bad.requests) == 1
    async with Origin() as gone:
        gone.refuse()
        async with gateway(config(gone.url, service=retries)) as running:
            assert (await running.ask(GET)).status == 502
            assert "retries" not in events(running)
    async with Origin() as bad, Origin() as good:
        bad.play(answers(503))
        good.always()
        async with gateway(config(bad.url, good.url, service=retries)) as running:
            assert [(await running.ask(GET)).status for _ in range(2)] == [200, 200]


async def test_not_for_longer_than_retry_timeout() -> None:
    """What fails after that time is what the client gets, however many retries are left."""

    async def part(wire: Wire, request: Message) -> bool:
        while monotonic() - began < 0.06:
            await asyncio.sleep(0.01)
        await wire.send(b"HTTP/1.1 503 Late\r\nContent-Length: 4\r\n\r\nlate")
        return True

    async with Origin() as bad:
        bad.play(part)
        retries = 'retries {\n retry_timeout = "50ms"\n statuses = [503]\n}'
        async with gateway(config(bad.url, service=retries)) as running:
            began = monotonic()
            answer = await running.ask(GET)
            assert (answer.status, answer.body) == (503, b"late")
            assert len(bad.requests) == 1


async def test_a_long_answer_with_a_listed_status() -> None:
    """It need not have arrived to be dropped: the first answer that counts is all that the client sees."""

    async def part(wire: Wire, request: Message) -> bool:
        await wire.send(b"HTTP/1.1 503 X\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        await asyncio.Event().wait()
        return False

    async with Origin() as bad, Origin() as good:
        bad.play(part)
        good.always()
        async with gateway(config(bad.url, good.url, service="retries { statuses = [503] }")) as running:
            assert [(await running.ask(GET)).body for _ in range(2)] == [b"ok"] * 2


async def test_the_last_answer_goes_to_the_client() -> None:
    """When all retries have failed, so does the request: with what the last endpoint said."""
    async with Origin() as bad:
        bad.play(answers(503, b"sorry"))
        async with gateway(config(bad.url, service="retries {\n max_retries = 2\n statuses = [503]\n}")) as running:
            answer = await running.ask(GET)
            assert (answer.status, answer.body) == (503, b"sorry")
            assert len(bad.requests) == 3


async def test_a_short_answer_that_breaks_off() -> None:
    """It was kept back until it would be whole, so nothing of it has been seen."""
    async with Origin() as bad, Origin() as good:
        bad.play(closes_within_body)
        good.always()
        async with gateway(config(bad.url, good.url, service=RETRIES)) as running:
            assert [(await running.ask(GET)).body for _ in range(4)] == [b"ok"] * 4
            assert events(running)["retries"] == len(bad.requests) > 0


async def test_a_short_answer_in_pieces() -> None:
    """It arrives whole."""

    async def part(wire: Wire, request: Message) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab")
        await asyncio.sleep(0)
        await wire.send(b"cd")
        await asyncio.sleep(0.01)
        await wire.send(b"ef")

    async with Origin() as origin:
        origin.play(part)
        async with gateway(config(origin.url, service=RETRIES)) as running:
            wire = await running.connect()
            for _ in range(3):
                await wire.send(GET)
                assert (await wire.message()).body == b"abcdef"


async def test_never_after_a_byte_of_an_answer() -> None:
    """An answer that breaks off is broken off, not begun anew."""
    async with Origin() as bad, Origin() as good:
        bad.play(closes_within_body)
        good.play(closes_within_body)
        async with gateway(config(bad.url, good.url, service="retries { max_held_bytes = 5 }")) as running:
            wire = await running.connect()
            await wire.send(GET)
            assert (await wire.end())[1] == "RST"
            assert len(bad.requests) + len(good.requests) == 1


async def test_a_body_that_is_too_long_is_sent_once() -> None:
    """It goes through without being kept."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        retries = "retries { max_body_bytes = 3 }"
        async with gateway(config(bad.url, good.url, service=retries)) as running:
            assert sorted([(await running.ask(PUT)).status for _ in range(2)]) == [200, 502]


async def test_a_body_that_is_still_coming() -> None:
    """What has come is sent again, and the rest follows."""
    async with Origin() as bad, Origin() as good, gateway(config(bad.url, good.url, service=RETRIES)) as running:
        wire = await running.connect()
        await wire.send(PUT[:-2])
        first = await bad.accept()
        assert (await first.until(b"bo")).endswith(b"bo")
        first.reset()
        second = await good.accept()
        assert (await second.until(b"bo")).endswith(b"bo")
        await wire.send(b"dy")
        assert await second.read(2) == b"dy"
        await second.send(OK)
        assert (await wire.message(b"PUT")).body == b"ok"


async def test_all_endpoints_failing_is_no_storm() -> None:
    """Requests to endpoints grow by the budget, and by no more than that."""
    async with AsyncExitStack() as stack:
        bad = [await stack.enter_async_context(Origin()) for _ in range(3)]
        for one in bad:
            one.play(answers(503))
        retries = (
            "retries {\n max_retries = 10\n statuses = [503]\n budget_percent = 10\n min_retries_per_second = 0\n}"
        )
        async with gateway(config(*(one.url for one in bad), service=retries)) as running:
            wire = await running.connect()
            for _ in range(300):
                await wire.send(GET)
                assert (await wire.message()).status == 503
            asked = sum(len(one.requests) for one in bad)
            assert 300 + 30 <= asked <= 300 + 30 + 10
            assert events(running)["retries"] == asked - 300
            assert events(running)["retries_over_budget"] in (299, 300)  # the last one may end with its tenth retry


async def test_the_middleware() -> None:
    """`retry` does the same for the routers that name it, with keys that existing configurations have."""
    more = 'middlewares "again" {\n type = "retry"\n max_retries = 2\n retry_interval_ms = 1\n}'
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        hcl = config(bad.url, good.url, router='middlewares = ["again"]', more=more)
        async with gateway(hcl) as running:
            assert [(await running.ask(GET)).body for _ in range(4)] == [b"ok"] * 4


async def test_the_count_is_told_if_wanted() -> None:
    """X-Retry-Count is there from the second time on, and never the client's own."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        async with gateway(config(bad.url, good.url, service="retries { count_header = true }")) as running:
            for _ in range(2):
                assert (await running.ask(GET.replace(b"\r\n\r\n", b"\r\nX_Retry_Count: 7\r\n\r\n"))).body == b"ok"
            assert b"1" in [one.get(b"x-retry-count") for one in good.requests]


async def test_a_single_endpoint_is_asked_again() -> None:
    """Another endpoint is only preferred: with one there is only the one."""

    async def part(wire: Wire, request: Message) -> bool:
        if len(bad.requests) < 3:
            wire.reset()
            return False
        await wire.send(OK)
        return True

    async with Origin() as bad:
        bad.play(part)
        async with gateway(config(bad.url, service="retries { retry_interval_ms = 1 }")) as running:
            assert (await running.ask(GET)).body == b"ok"
    assert running.records[0]["attempts"] == 3


async def test_a_client_that_leaves_while_a_retry_waits() -> None:
    """Nobody is asked for it any more."""
    async with Origin() as bad:
        bad.play(resets)
        retries = "retries {\n retry_interval_ms = 60000\n max_retry_interval_ms = 60000\n}"
        async with gateway(config(bad.url, service=retries)) as running:
            wire = await running.connect()
            await wire.send(GET)
            async with asyncio.timeout(5):
                while "retries" not in events(running):
                    await asyncio.sleep(0.005)
            wire.reset()
            assert await running.deserted()
            assert len(bad.requests) == 1
    assert running.records[0]["status"] == 499


async def test_trailers_are_sent_again() -> None:
    """They belong to the request as its body does."""
    request = CHUNKED.replace(b"\r\n0\r\n\r\n", b"\r\n0\r\nX-Sum: 42\r\n\r\n").replace(
        b"\r\n\r\n", b"\r\nTrailer: X-Sum\r\n\r\n", 1
    )
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        async with gateway(config(bad.url, good.url, service=RETRIES)) as running:
            for _ in range(4):
                assert (await running.ask(request)).body == b"ok"
            assert {one.trailers for one in good.requests} == {((b"X-Sum", b"42"),)}


@pytest.mark.parametrize("retries", ["", "retries {}"])
async def test_an_outage_is_no_storm_of_connections(retries: str) -> None:
    """A request gives up after some endpoints that cannot be reached, however many there are."""
    servers = [f"unix:/nowhere/{number}" for number in range(50)]
    async with gateway(config(*servers, service=retries)) as running:
        assert (await running.ask(GET)).status == 502
    assert 8 <= running.records[0]["attempts"] <= 12
