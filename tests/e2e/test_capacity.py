"""Limits of endpoints and services, who waits for them, who is turned away first; and how long anything may take."""

from __future__ import annotations

import asyncio

from a3sgw import load_config
from a3sgw.control.messages import EndpointHealth
from tests.support.gateway import config, gateway
from tests.support.origin import OK, Origin
from tests.support.parts import hangs
from tests.support.services import GET, endpoint, events, service
from tests.support.wire import Message, Wire


class Held:
    """Answers a request when it is let go."""

    def __init__(self) -> None:
        self.open = asyncio.Semaphore(0)
        self.now = self.most = 0

    async def __call__(self, wire: Wire, request: Message) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.open.acquire()
        self.now -= 1
        await wire.send(OK)


async def asked(held: Held, count: int) -> None:
    """Wait until so many requests are there."""
    async with asyncio.timeout(5):
        while held.now < count:
            await asyncio.sleep(0.005)


async def test_requests_wait_for_a_place() -> None:
    """No endpoint gets more than `max_connections` at once; the others wait, first come first served."""
    held = Held()
    async with Origin() as one, Origin() as two:
        one.play(held)
        two.play(held)
        async with gateway(config(one.url, two.url, balancer="max_connections = 2")) as running:
            wires = [await running.connect() for _ in range(9)]
            for wire in wires:
                await wire.send(GET)
            await asked(held, 4)
            for _ in wires:
                held.open.release()
            assert [(await wire.message()).status for wire in wires] == [200] * 9
            assert held.most == 4
            assert events(running)["queued"] == 5
    assert sum(one["queued_ms"] > 0 for one in running.records) == 5


async def test_the_queue_is_bounded() -> None:
    """More than `queue_size` are turned away at once, and those that wait too long later, with Retry-After."""
    held = Held()
    options = 'max_connections = 1\n queue_size = 1\n queue_timeout = "200ms"'
    async with Origin() as origin:
        origin.play(held)
        async with gateway(config(origin.url, balancer=options)) as running:
            first, second = await running.connect(), await running.connect()
            await first.send(GET)
            await asked(held, 1)
            await second.send(GET)
            async with asyncio.timeout(5):
                while not events(running).get("queued"):
                    await asyncio.sleep(0.005)
            full = await running.ask(GET)
            assert (full.status, full.get(b"retry-after")) == (503, b"1")
            assert (await second.message()).status == 503
            held.open.release()
            assert (await first.message()).status == 200
            assert events(running)["queue_full"] == 1
            assert events(running)["queue_timeouts"] == 1


async def test_a_client_that_leaves_the_queue() -> None:
    """Its place in the queue is free at once."""
    held = Held()
    async with Origin() as origin:
        origin.play(held)
        async with gateway(config(origin.url, balancer="max_connections = 1\n queue_size = 1")) as running:
            first, second = await running.connect(), await running.connect()
            await first.send(GET)
            await asked(held, 1)
            await second.send(GET)
            async with asyncio.timeout(5):
                while events(running).get("queued") != 1:
                    await asyncio.sleep(0.005)
            second.reset()
            async with asyncio.timeout(5):
                while running.gateway.health()["entrypoints"]["web"]["connections"] > 1:
                    await asyncio.sleep(0.005)
            third = await running.connect()
            await third.send(GET)
            held.open.release()
            held.open.release()
            assert (await first.message()).status == 200
            assert (await third.message()).status == 200


async def test_a_service_has_a_limit() -> None:
    """More than `max_in_flight` get 503 at once."""
    held = Held()
    async with Origin() as origin:
        origin.play(held)
        async with gateway(config(origin.url, service="max_in_flight = 2")) as running:
            wires = [await running.connect() for _ in range(2)]
            for wire in wires:
                await wire.send(GET)
            await asked(held, 2)
            refused = await running.ask(GET)
            assert (refused.status, refused.get(b"retry-after")) == (503, b"1")
            held.open.release()
            held.open.release()
            assert [(await wire.message()).status for wire in wires] == [200, 200]
            held.open.release()
            assert (await running.ask(GET)).status == 200


async def test_the_less_important_are_turned_away_first() -> None:
    """While endpoints are out, the limit shrinks with them, and what is left is kept for what matters."""
    held = Held()
    more = """
      routers "low" {
        rule       = "PathPrefix(`/low`)"
        service    = "origin"
        importance = "low"
      }
      routers "high" {
        rule       = "PathPrefix(`/high`)"
        service    = "origin"
        importance = "high"
      }"""
    async with Origin() as one, Origin() as two:
        one.play(held)
        two.play(held)
        limits = "max_in_flight = 8\n load_shedding {\n low = 25\n normal = 50\n}"
        async with gateway(config(one.url, two.url, service=limits, more=more)) as running:
            wires = [await running.connect() for _ in range(10)]
            for wire in wires[:2]:
                await wire.send(GET)
            await asked(held, 2)
            low, high = GET.replace(b"GET /", b"GET /low"), GET.replace(b"GET /", b"GET /high")
            await wires[2].send(low)
            await asked(held, 3)  # all is well: no difference
            running.gateway._plane.take(EndpointHealth("origin", two.url, "unhealthy"))
            assert (await running.ask(low)).status == 503
            assert (await running.ask(GET)).status == 503
            await wires[3].send(high)
            await asked(held, 4)
            assert (await running.ask(high)).status == 503
            assert events(running)["shed"] == 3
            for _ in range(4):
                held.open.release()


async def test_the_whole_time_of_a_request() -> None:
    """`total_timeout` holds over all retries and all waiting."""
    async with Origin() as origin:
        origin.play(hangs)
        options = 'total_timeout = "300ms"\n request_timeout = "10s"'
        async with gateway(config(origin.url, balancer=options)) as running:
            assert (await running.ask(GET)).status == 504
    assert "total_timeout" in running.records[0]["error"]


async def test_a_stream_may_take_longer() -> None:
    """Event streams are exempt, unless the operator wants it otherwise; other answers are cut, visibly."""

    async def part(wire: Wire, request: Message) -> None:
        kind = b"text/event-stream" if request.target == b"/events" else b"text/plain"
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % kind)
        await wire.send(b"2\r\nhi\r\n")
        await release.wait()
        await wire.send(b"0\r\n\r\n")

    release = asyncio.Event()
    async with Origin() as origin:
        origin.play(part)
        async with gateway(config(origin.url, balancer='total_timeout = "300ms"')) as running:
            events_, plain = await running.connect(), await running.connect()
            await events_.send(GET.replace(b"GET /", b"GET /events"))
            await plain.send(GET)
            assert (await plain.end())[1] == "RST"
            release.set()
            assert (await events_.message()).body == b"hi"


async def test_times_of_a_router() -> None:
    """A router may have other times than its service."""
    async with Origin() as origin:
        origin.play(hangs)
        router = 'timeouts { request_timeout = "200ms" }'
        async with gateway(config(origin.url, router=router)) as running:
            assert (await running.ask(GET)).status == 504
    assert "no response head in time" in running.records[0]["error"]


async def test_an_endpoint_asks_to_be_drained() -> None:
    """With `drain_header` it gets no new requests until it says otherwise; clients never see the field."""
    said = [b"drain"]

    async def part(wire: Wire, request: Message) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A3S-Server: %b\r\n\r\n" % said[0])

    async with Origin() as one, Origin() as two:
        one.play(part)
        two.always()
        async with gateway(config(one.url, two.url, balancer="drain_header = true")) as running:
            for _ in range(6):
                assert (await running.ask(GET)).get(b"x-a3s-server") is None
            assert len(one.requests) == 1
            running.gateway.drain("origin", one.url, False)
            said[0] = b"ready"
            for _ in range(4):
                await running.ask(GET)
            assert len(one.requests) == 3
        async with gateway(config(one.url)) as running:
            assert (await running.ask(GET)).get(b"x-a3s-server") == b"ready"


async def test_requests_of_an_older_configuration_are_counted() -> None:
    """A reload changes their service; they are still at the endpoint, and a drain has to wait for them."""
    held = Held()
    async with Origin() as origin:
        origin.play(held)
        hcl = config(origin.url)
        async with gateway(hcl) as running:
            wires = [await running.connect() for _ in range(2)]
            await wires[0].send(GET)
            await asked(held, 1)
            assert await running.gateway.reload(load_config(hcl.replace("servers =", "connect_timeout = 3\nservers =")))
            await wires[1].send(GET)
            await asked(held, 2)
            assert endpoint(running, origin.url)["in_flight"] == 2
            held.open.release()
            held.open.release()
            assert [(await wire.message()).status for wire in wires] == [200, 200]
            assert endpoint(running, origin.url)["in_flight"] == 0


async def test_a_backup_has_times_of_its_own() -> None:
    """When it takes over, its `total_timeout` holds, if it has one; counted from the request's head all the same."""
    async with Origin() as gone, Origin() as spare:
        gone.refuse()
        spare.play(hangs)
        more = service("spare", spare.url, balancer='total_timeout = "200ms"')
        async with gateway(config(gone.url, service='failover { service = "spare" }', more=more)) as running:
            assert (await running.ask(GET)).status == 504


async def test_streams_are_no_exception_if_the_operator_says_so() -> None:
    """With `total_timeout_for_streams` an event stream is cut like everything else."""

    async def part(wire: Wire, request: Message) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await wire.send(b"2\r\nhi\r\n")
        await asyncio.Event().wait()

    async with Origin() as origin:
        origin.play(part)
        options = 'total_timeout = "300ms"\n total_timeout_for_streams = true'
        async with gateway(config(origin.url, balancer=options)) as running:
            wire = await running.connect()
            await wire.send(GET)
            assert (await wire.end())[1] == "RST"
    assert "total_timeout" in running.records[0]["error"]
