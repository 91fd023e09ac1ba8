"""Endpoints that fall ill and come back, and how fast they get their share again."""

from __future__ import annotations

import asyncio
from collections import Counter

from a3sgw import load_config
from tests.support.gateway import Running, config, gateway
from tests.support.origin import Origin
from tests.support.parts import answers
from tests.support.services import GET, endpoint
from tests.support.wire import Message, Wire

CHECK = """
  health_check {
    path                = "/health"
    interval            = "20ms"
    timeout             = "1s"
    unhealthy_threshold = 2
    healthy_threshold   = 2
  }"""


class Patient:
    """Answers requests, and probes as it is told."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.well = True
        self.probes = 0

    async def __call__(self, wire: Wire, request: Message) -> None:
        if request.target == b"/health":
            self.probes += 1
            await answers(200 if self.well else 503)(wire, request)
        else:
            await answers(200, self.name)(wire, request)


async def seen(running: Running, times: int) -> Counter[bytes]:
    """What so many answers say."""
    return Counter([(await running.ask(GET)).body for _ in range(times)])


async def health(running: Running, url: str, state: str) -> None:
    """Wait until the gateway says so of an endpoint."""
    async with asyncio.timeout(5):
        while endpoint(running, url)["health"] != state:
            await asyncio.sleep(0.005)


async def test_an_endpoint_falls_ill_and_recovers() -> None:
    """While the probes say so it gets nothing; when they say otherwise, its share."""
    one, two = Patient(b"one"), Patient(b"two")
    async with Origin() as first, Origin() as second:
        first.play(one)
        second.play(two)
        async with gateway(config(first.url, second.url, balancer=CHECK)) as running:
            assert await seen(running, 4) == {b"one": 2, b"two": 2}
            one.well = False
            await health(running, first.url, "unhealthy")
            assert await seen(running, 4) == {b"two": 4}
            assert "503" in str(endpoint(running, first.url)["last_probe_failure"])
            one.well = True
            await health(running, first.url, "healthy")
            assert await seen(running, 4) == {b"one": 2, b"two": 2}


async def test_degraded_ones_are_second_choice() -> None:
    """They are used when there is nobody else, and when all others have failed."""
    check = CHECK.replace("unhealthy_threshold = 2", "unhealthy_threshold = 1000000\n degraded_threshold = 2")
    one, two = Patient(b"one"), Patient(b"two")
    async with Origin() as first, Origin() as second:
        first.play(one)
        second.play(two)
        hcl = config(first.url, second.url, balancer=check, service="retries {}")
        async with gateway(hcl) as running:
            one.well = False
            await health(running, first.url, "degraded")
            assert await seen(running, 4) == {b"two": 4}
            await second.leave()
            assert await seen(running, 4) == {b"one": 4}


async def test_nobody_is_well() -> None:
    """503, and the log says why."""
    one = Patient(b"one")
    one.well = False
    async with Origin() as first:
        first.play(one)
        async with gateway(config(first.url, balancer=CHECK)) as running:
            await health(running, first.url, "unhealthy")
            assert (await running.ask(GET)).status == 503
    assert "1 unhealthy" in running.records[-1]["error"]


async def test_health_survives_a_reload() -> None:
    """Endpoints that stay keep what is known of them, also when options of their service change (T-42)."""
    one, two = Patient(b"one"), Patient(b"two")
    async with Origin() as first, Origin() as second:
        first.play(one)
        second.play(two)
        hcl = config(first.url, second.url, balancer=CHECK)
        async with gateway(hcl) as running:
            one.well = False
            await health(running, first.url, "unhealthy")
            assert await running.gateway.reload(
                load_config(hcl.replace('timeout             = "1s"', 'timeout = "2s"'))
            )
            assert endpoint(running, first.url)["health"] == "unhealthy"
            assert await seen(running, 4) == {b"two": 4}


async def test_a_slow_start() -> None:
    """One that comes back begins with a tenth of its share, which grows."""
    async with Origin() as first, Origin() as second:
        first.play(answers(200, b"one"))
        second.play(answers(200, b"two"))
        async with gateway(config(first.url, second.url, balancer='slow_start = "1h"')) as running:
            assert await seen(running, 4) == {b"one": 2, b"two": 2}
            running.gateway.drain("origin", first.url)
            running.gateway.drain("origin", first.url, False)
            counts = await seen(running, 44)
            assert 3 <= counts[b"one"] <= 5
        async with gateway(config(first.url, second.url, balancer='slow_start = "300ms"')) as running:
            running.gateway.drain("origin", first.url)
            running.gateway.drain("origin", first.url, False)
            async with asyncio.timeout(5):
                while (await seen(running, 10))[b"one"] < 5:
                    await asyncio.sleep(0.02)
