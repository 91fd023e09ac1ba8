"""Circuit breakers of services and of endpoints, and endpoints that are ejected for what they do to real requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import time

from a3sgw import load_config
from tests.support.gateway import Running, config, gateway
from tests.support.origin import OK, Origin
from tests.support.parts import answers, hangs, resets
from tests.support.services import GET, endpoint, events, service
from tests.support.wire import Message, Wire


class Moody:
    """Answers with `status` until told otherwise."""

    def __init__(self, status: int = 500) -> None:
        self.status = status

    async def __call__(self, wire: Wire, request: Message) -> None:
        await wire.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status)


async def soon(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


BREAKER = 'circuit_breaker {\n failure_threshold = 3\n cooldown_secs = "200ms"\n success_threshold = 2\n %s\n}'


async def test_a_service() -> None:
    """It opens after failures in a row, answers at once while it is open, and closes when it goes well again."""
    mood = Moody()
    async with Origin() as origin:
        origin.play(mood)
        async with gateway(config(origin.url, service=BREAKER % "")) as running:
            assert [(await running.ask(GET)).status for _ in range(3)] == [500] * 3
            refused = await running.ask(GET)
            assert refused.status == 503
            assert int(refused.get(b"retry-after") or 0) >= 1
            assert len(origin.requests) == 3
            assert running.gateway.health()["circuit_breakers"] == {"origin": "open"}
            mood.status = 200
            async with asyncio.timeout(5):
                while (await running.ask(GET)).status == 503:
                    await asyncio.sleep(0.01)
            assert running.gateway.health()["circuit_breakers"] == {"origin": "half-open"}
            assert (await running.ask(GET)).status == 200
            assert running.gateway.health()["circuit_breakers"] == {"origin": "closed"}
            assert events(running)["breaker_open"] == 1
            assert events(running)["breaker_refused"] > 0
    assert "circuit breaker" in next(one["error"] for one in running.records if one["status"] == 503)


async def test_it_opens_again() -> None:
    """One failure while it tries is enough, and only so many try at once."""
    mood = Moody()
    async with Origin() as origin:
        origin.play(mood)
        async with gateway(config(origin.url, service=BREAKER % "")) as running:
            for _ in range(3):
                await running.ask(GET)
            async with asyncio.timeout(5):
                while (await running.ask(GET)).status == 503:
                    await asyncio.sleep(0.01)
            assert len(origin.requests) == 4
            assert (await running.ask(GET)).status == 503
            assert events(running)["breaker_open"] == 2


async def test_a_fixed_answer() -> None:
    """Instead of 503, what the operator has written."""
    fallback = 'fallback {\n status = 200\n body = "{}"\n content_type = "application/json"\n}'
    async with Origin() as origin:
        origin.play(answers(500))
        async with gateway(config(origin.url, service=BREAKER % fallback)) as running:
            for _ in range(3):
                await running.ask(GET)
            answer = await running.ask(GET)
            assert (answer.status, answer.body, answer.get(b"content-type")) == (200, b"{}", b"application/json")


async def test_another_service() -> None:
    """Instead of an answer, a service."""
    async with Origin() as origin, Origin() as spare:
        origin.play(answers(500))
        spare.always()
        hcl = config(origin.url, service=BREAKER % 'fallback { service = "spare" }', more=service("spare", spare.url))
        async with gateway(hcl) as running:
            for _ in range(3):
                await running.ask(GET)
            assert (await running.ask(GET)).body == b"ok"


async def test_slow_answers_open_it() -> None:
    """A quantile of the time to the head of an answer may be the reason."""

    async def part(wire: Wire, request: Message) -> None:
        await asyncio.sleep(0.03)
        await wire.send(OK)

    options = """circuit_breaker {
      failure_threshold    = 0
      latency_threshold_ms = 20
      min_requests         = 5
    }"""
    async with Origin() as origin:
        origin.play(part)
        async with gateway(config(origin.url, service=options)) as running:
            statuses = [(await running.ask(GET)).status for _ in range(6)]
            assert statuses == [200] * 5 + [503]


async def test_a_client_that_leaves_is_no_failure() -> None:
    """499 says nothing about the service (T-30)."""
    async with Origin() as origin:
        origin.play(hangs)
        async with gateway(config(origin.url, service=BREAKER % "")) as running:
            for count in range(4):
                wire = await running.connect()
                await wire.send(GET)
                await soon(lambda count=count: len(origin.requests) > count)  # type: ignore[misc]
                wire.reset()
            assert await running.deserted()
            assert "breaker_open" not in events(running)


async def test_an_endpoint() -> None:
    """With a breaker of each endpoint, one that fails gets nothing for a while; when all are open it is 503 at once."""
    mood = Moody()
    async with Origin() as bad, Origin() as good:
        bad.play(mood)
        good.always()
        async with gateway(config(bad.url, good.url, balancer=BREAKER % "")) as running:
            for _ in range(6):
                await running.ask(GET)
            assert len(bad.requests) == 3
            assert endpoint(running, bad.url)["circuit_breaker"] == "open"
            assert [(await running.ask(GET)).status for _ in range(5)] == [200] * 5
            mood.status = 200
            await soon_asked(running, bad)
            assert endpoint(running, bad.url)["circuit_breaker"] == "closed"
    async with Origin() as bad:
        bad.play(answers(500))
        async with gateway(config(bad.url, balancer=BREAKER % "")) as running:
            assert [(await running.ask(GET)).status for _ in range(3)] == [500] * 3
            refused = await running.ask(GET)
            assert (refused.status, refused.get(b"retry-after")) == (503, b"1")
    assert "open circuit breaker" in running.records[-1]["error"]


async def soon_asked(running: Running, origin: Origin) -> None:
    """Ask until the endpoint has been asked twice more."""
    wanted = len(origin.requests) + 2
    async with asyncio.timeout(5):
        while len(origin.requests) < wanted:
            await running.ask(GET)
            await asyncio.sleep(0.005)


# Ejections...

PASSIVE = 'passive_health_check {\n max_failed_attempts = 2\n ejection_time = "200ms"\n %s\n}'


async def test_an_ejection() -> None:
    """Failures in a row take an endpoint out for a while, longer each time; then it gets its share again."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        async with gateway(config(bad.url, good.url, balancer=PASSIVE % "")) as running:
            statuses = [(await running.ask(GET)).status for _ in range(10)]
            assert statuses.count(502) == 2
            assert len(bad.requests) == 2
            assert "ejected_until" in endpoint(running, bad.url)
            assert events(running)["ejections"] == 1
            async with asyncio.timeout(5):
                while len(bad.requests) < 3:
                    await running.ask(GET)
                    await asyncio.sleep(0.01)


async def test_an_ejection_has_a_longest_time() -> None:
    """However often it comes to that."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        options = (PASSIVE % 'max_ejection_time = "250ms"').replace('"200ms"', '"50ms"')
        async with gateway(config(bad.url, good.url, balancer=options)) as running:
            async with asyncio.timeout(20):
                while events(running).get("ejections", 0) < 7:  # doubled each time, the seventh would take 3.2 s
                    await running.ask(GET)
            assert endpoint(running, bad.url)["ejected_until"] - time() < 0.5


async def test_the_last_one_stays() -> None:
    """Whatever it does: asking somebody beats asking nobody; and no more than the share that was given."""
    async with Origin() as bad:
        bad.play(answers(500))
        async with gateway(config(bad.url, balancer=PASSIVE % "")) as running:
            assert [(await running.ask(GET)).status for _ in range(6)] == [500] * 6
    origins = [Origin() for _ in range(4)]
    for one in origins:
        one.play(answers(500))
    async with gateway(config(*(one.url for one in origins), balancer=PASSIVE % "max_ejected_percent = 50")) as running:
        for _ in range(40):
            assert (await running.ask(GET)).status == 500
        out = [one for one in running.gateway.health()["services"]["origin"] if "ejected_until" in one]
        assert len(out) == 2
    for one in origins:
        await one.__aexit__(None, None, None)


async def test_a_share_of_failures() -> None:
    """Without a row, a share within the window is enough."""
    turn = [0]

    async def part(wire: Wire, request: Message) -> None:
        turn[0] += 1
        await wire.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (500 if turn[0] % 2 else 200))

    options = "passive_health_check {\n max_failed_attempts = 0\n failure_ratio = 0.4\n min_requests = 10\n}"
    async with Origin() as bad, Origin() as good:
        bad.play(part)
        good.always()
        async with gateway(config(bad.url, good.url, balancer=options)) as running:
            for _ in range(40):
                await running.ask(GET)
            assert 10 <= len(bad.requests) <= 11


async def test_a_reload_keeps_what_is_known() -> None:
    """Endpoints that stay the same stay out, drained or weighed as they were (T-42)."""
    async with Origin() as bad, Origin() as good:
        bad.play(resets)
        good.always()
        hcl = config(bad.url, good.url, balancer=(PASSIVE % "").replace("200ms", "60s"))
        async with gateway(hcl) as running:
            for _ in range(6):
                await running.ask(GET)
            assert "ejected_until" in endpoint(running, bad.url)
            changed = hcl.replace("max_failed_attempts = 2", "max_failed_attempts = 3\n failure_window = 5")
            assert await running.gateway.reload(load_config(changed))
            before = len(bad.requests)
            assert [(await running.ask(GET)).status for _ in range(4)] == [200] * 4
            assert len(bad.requests) == before
            assert "ejected_until" in endpoint(running, bad.url)


async def test_a_kept_connection_that_closes_is_nobodys_fault() -> None:
    """Endpoints may close what they keep at any time: that opens no breaker, ejects nobody and costs no retry; what is
    idempotent is asked again, with its body where that is kept."""

    async def part(wire: Wire, request: Message) -> bool:
        await wire.send(OK)
        return len(origin.requests) % 2 == 1  # every second one is the last on its connection, without saying so

    put = b"PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody"
    options = "circuit_breaker { failure_threshold = 1 }\n passive_health_check { max_failed_attempts = 1 }"
    async with Origin() as origin, Origin() as other:
        origin.play(part)
        other.play(part)
        async with gateway(config(origin.url, other.url, balancer=options, service="retries {}")) as running:
            wire = await running.connect()
            for request in [GET, put] * 50:
                await wire.send(request)
                assert (await wire.message()).body == b"ok"
            assert events(running) == {}


async def test_what_cannot_be_repeated_takes_no_closed_connection() -> None:
    """The kernel knows of an end before the gateway is told; a POST is then sent on a new connection."""
    async with Origin() as origin, gateway(config(origin.url)) as running:
        wire = await running.connect()
        await wire.send(GET)
        first = await origin.accept()
        await first.message()
        await first.send(OK)
        await wire.message()
        first.half_close()  # the gateway has had no turn of its loop yet
        await wire.send(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody")
        second = await origin.accept()
        assert (await second.message()).body == b"body"
        await second.send(OK)
        assert (await wire.message()).status == 200
