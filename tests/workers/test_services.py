"""What one worker finds out about endpoints holds for all of them, and limits are those of all together."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.gateway import config
from tests.support.live import until
from tests.support.origin import Origin
from tests.support.parts import answers, hangs
from tests.support.services import GET
from tests.support.workers import TWO, Crew, crew

ADMIN = 'admin { address = "127.0.0.1:0" }\n'


async def ask(running: Crew, pid: int) -> int:
    """The status of one answer by the worker `pid`."""
    wire = await running.connect(pid)
    await wire.send(GET)
    return (await wire.message()).status


async def known(running: Crew, url: str) -> dict[str, object]:
    """What the gateway says of an endpoint."""
    found: dict[str, object] = next(one for one in (await running.health())["services"]["origin"] if one["url"] == url)
    return found


async def test_an_ejection_holds_for_all(tmp_path: Path) -> None:
    """An endpoint that one worker has ejected gets nothing from the others, and from those that start later."""
    passive = 'passive_health_check {\n max_failed_attempts = 2\n ejection_time = "60s"\n}'
    async with Origin() as bad, Origin() as good:
        bad.play(answers(500))
        good.always()
        path = tmp_path / "gateway.hcl"
        path.write_text(config(bad.url, good.url, balancer=passive, more=TWO + ADMIN))
        async with crew(path) as running:
            one, two = (await running.workers()).values()
            assert sorted([await ask(running, one) for _ in range(4)]) == [200, 200, 500, 500]

            async def out() -> bool:
                return "ejected_until" in await known(running, bad.url)

            await until(out, "the supervisor knows")
            assert [await ask(running, two) for _ in range(4)] == [200] * 4
            running.send(signal.SIGKILL, one)
            third = await running.successor(0, one)
            assert [await ask(running, third) for _ in range(4)] == [200] * 4
            assert len(bad.requests) == 2


async def test_a_breaker_holds_for_all(tmp_path: Path) -> None:
    """One that has opened in one worker is open in all."""
    breaker = 'circuit_breaker {\n failure_threshold = 2\n cooldown_secs = "60s"\n}'
    async with Origin() as bad:
        bad.play(answers(500))
        path = tmp_path / "gateway.hcl"
        path.write_text(config(bad.url, service=breaker, more=TWO + ADMIN))
        async with crew(path) as running:
            one, two = (await running.workers()).values()
            assert [await ask(running, one) for _ in range(3)] == [500, 500, 503]

            async def told() -> bool:
                return bool((await running.health())["circuit_breakers"] == {"origin": "open"})

            await until(told, "the supervisor knows")
            assert await ask(running, two) == 503
            assert len(bad.requests) == 2


async def test_places_are_those_of_all(tmp_path: Path) -> None:
    """`max_connections` of an endpoint is one number for all workers; who waits in one gets what another leaves."""
    async with Origin() as origin:
        origin.play(hangs)
        path = tmp_path / "gateway.hcl"
        path.write_text(config(origin.url, balancer="max_connections = 3", more=TWO + ADMIN))
        async with crew(path) as running:
            one, two = (await running.workers()).values()
            first = [await running.connect(one) for _ in range(3)]
            for wire in first:
                await wire.send(GET)
            await until(lambda: len(origin.requests) == 3, "three are there")
            second = [await running.connect(two) for _ in range(2)]
            for wire in second:
                await wire.send(GET)

            async def waits() -> bool:
                return bool((await running.health())["events"].get("origin", {}).get("queued") == 2)

            await until(waits, "two wait")
            assert len(origin.requests) == 3
            for wire in first[:2]:
                wire.reset()
            await until(lambda: len(origin.requests) == 5, "two more are there")


async def test_a_limit_of_a_service_is_that_of_all(tmp_path: Path) -> None:
    """`max_in_flight` counts the requests of all workers, and forgets those of one that is killed."""
    async with Origin() as origin:
        origin.play(hangs)
        path = tmp_path / "gateway.hcl"
        path.write_text(config(origin.url, service="max_in_flight = 2", more=TWO + ADMIN))
        async with crew(path) as running:
            one, two = (await running.workers()).values()
            for pid in (one, one):
                await (await running.connect(pid)).send(GET)
            await until(lambda: len(origin.requests) == 2, "two are there")
            assert await ask(running, two) == 503
            running.send(signal.SIGKILL, one)
            await running.successor(0, one)
            await (await running.connect(two)).send(GET)
            await until(lambda: len(origin.requests) == 3, "there is room again")
