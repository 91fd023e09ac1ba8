"""Operators take endpoints out and bring them back while clients go on, whatever else happens to the gateway."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.support.hammer import hammer
from tests.support.live import GET, until
from tests.support.origin import OK, Origin
from tests.support.process import run
from tests.support.workers import TWO, Crew, crew, text

Endpoints = list[Origin]


@pytest_asyncio.fixture
async def endpoints() -> AsyncIterator[Endpoints]:
    """Three that answer."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(Origin()) for _ in range(3)]
        for one in made:
            one.always()
        yield made


def of(endpoints: Sequence[Origin], version: str = "1", more: str = TWO, service: str = "") -> str:
    """The usual configuration with all of them."""
    servers = ", ".join(f'{{ url = "{one.url}" }}' for one in endpoints)
    return text("ONE", version, more, service).replace('{ url = "ONE" }', servers)


async def server(running: Crew, *arguments: object) -> str:
    """What ``a3sgw server`` prints; it must succeed."""
    code, out, errors = await run("server", *arguments, "--admin", running.admin)
    assert (code, errors) == (0, "")
    return out


async def shown(running: Crew, endpoint: Origin) -> dict[str, Any]:
    """What the gateway says of one of them."""
    found: dict[str, Any] = next(
        one for one in (await running.health())["services"]["origin"] if one["url"] == endpoint.url
    )
    return found


async def spread(running: Crew, endpoints: Endpoints, count: int = 24) -> list[int]:
    """How many of so many requests each gets, half of them through each of two workers."""
    before = [len(one.requests) for one in endpoints]
    for pid in (await running.workers()).values():
        wire = await running.connect(pid)
        for _ in range(count // 2):
            await wire.send(GET)
            assert (await wire.message()).status == 200
        wire.close()
    return [len(one.requests) - was for one, was in zip(endpoints, before, strict=True)]


def drains(running: Crew, endpoint: Origin) -> Callable[[], Awaitable[bool]]:
    """A condition: the gateway says that it drains."""

    async def draining() -> bool:
        return bool((await shown(running, endpoint))["draining"])

    return draining


class Restarting:
    """An endpoint that can be stopped and started again on the same port."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.answered = 0

    @property
    def url(self) -> str:
        """As a server of a service."""
        return f"http://127.0.0.1:{self.port}"

    def answered_more_than(self, count: int) -> bool:
        """Whether it has answered again since."""
        return self.answered > count

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End as a killed process does: connections are cut, whatever runs on them."""
        if self._server is None:
            return
        self._server.close()
        for one in list(self._writers):
            one.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.answered += 1
                await asyncio.sleep(0.005)  # work that takes a moment, so that there is always something in flight
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
        finally:
            self._writers.discard(writer)


async def test_a_rolling_restart(tmp_path: Path) -> None:
    """Drain, wait, kill, start, enable, one endpoint after the other, through the command: no request fails, though
    nothing is retried and endpoints cut what they are still at."""
    path = tmp_path / "gateway.hcl"
    endpoints = [Restarting() for _ in range(3)]
    async with AsyncExitStack() as stack:
        for one in endpoints:
            await one.start()
            stack.push_async_callback(one.stop)
        servers = ", ".join(f'{{ url = "{one.url}" }}' for one in endpoints)
        path.write_text(text("ONE").replace('{ url = "ONE" }', servers))
        running = await stack.enter_async_context(crew(path))
        async with hammer(running.web, keeping=6, coming=2) as clients:
            await clients.more(100)
            for one in endpoints:
                out = await server(running, "drain", "origin", one.url, "--wait", "--timeout", "10")
                assert out == f"{one.url}: drained, nothing is in flight"
                answered = one.answered
                await clients.more(50)
                assert one.answered == answered
                await one.stop()
                await clients.more(50)
                await one.start()
                await server(running, "enable", "origin", one.url)
                await until(partial(one.answered_more_than, answered), "it is asked again")
        assert clients.closed == 0
        assert await running.metric('a3sgw_service_requests_total{code="5xx",method="GET",service="origin"}') == 0


async def test_waiting_is_for_all_workers(tmp_path: Path) -> None:
    """A request that another worker than the first has in flight keeps it from being drained."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as slow:
        path.write_text(text(slow.url))
        async with crew(path) as running:
            held = []
            for pid in (await running.workers()).values():
                client = await running.connect(pid)
                await client.send(GET)
                there = await slow.accept()
                await there.message()
                held.append((client, there))
            arguments = (
                "server",
                "drain",
                "origin",
                slow.url,
                "--wait",
                "--timeout",
                "300ms",
                "--admin",
                running.admin,
            )
            for client, there in held:
                left = (await shown(running, slow))["in_flight"]
                code, _, errors = await run(*arguments)
                assert code == 1
                assert f"still has {left} request" in errors
                await there.send(OK)
                assert (await client.message()).status == 200
            assert (await run(*arguments))[0] == 0


async def test_weights_shift_the_traffic(tmp_path: Path, endpoints: Endpoints) -> None:
    """In all workers, exactly; 0 takes an endpoint out, and "default" is the configured weight again."""
    path = tmp_path / "gateway.hcl"
    path.write_text(of(endpoints))
    async with crew(path) as running:
        assert await spread(running, endpoints) == [8, 8, 8]
        await server(running, "weight", "origin", endpoints[0].url, 4)
        assert await spread(running, endpoints) == [16, 4, 4]
        await server(running, "weight", "origin", endpoints[0].url, 0)
        assert await spread(running, endpoints) == [0, 12, 12]
        await server(running, "weight", "origin", endpoints[0].url, "default")
        assert await spread(running, endpoints) == [8, 8, 8]


async def test_a_new_worker_knows(tmp_path: Path, endpoints: Endpoints) -> None:
    """The successor of a killed worker sends nothing to an endpoint that drains, from its first request on."""
    path = tmp_path / "gateway.hcl"
    path.write_text(of(endpoints))
    async with crew(path) as running:
        await server(running, "drain", "origin", endpoints[0].url)
        await server(running, "weight", "origin", endpoints[1].url, 2)
        first = (await running.workers())[0]
        running.send(signal.SIGKILL, first)
        await running.successor(0, first)
        assert await spread(running, endpoints) == [0, 16, 8]


async def test_reloads_change_nothing_about_it(tmp_path: Path, endpoints: Endpoints) -> None:
    """An edit elsewhere, and one of the service itself, leave drains and weights as they are; an endpoint that leaves
    the configuration and comes back is like a new one."""
    path = tmp_path / "gateway.hcl"
    path.write_text(of(endpoints))
    async with crew(path) as running:
        await server(running, "drain", "origin", endpoints[0].url)
        await server(running, "weight", "origin", endpoints[1].url, 2)
        for generation, written in (
            (2, of(endpoints, "2")),
            (3, of(endpoints, "2", service='connect_timeout = "3s"')),
        ):
            path.write_text(written)
            await until(running.uses(generation), "all have the configuration")
            assert await spread(running, endpoints) == [0, 16, 8]
        for generation, those in ((4, endpoints[1:]), (5, endpoints)):
            path.write_text(of(those, "2"))
            await until(running.uses(generation), "all have the configuration")
        assert await spread(running, endpoints) == [6, 12, 6]


async def test_an_upgrade_changes_nothing_about_it(tmp_path: Path, endpoints: Endpoints) -> None:
    """The next version goes on with drains and weights, and so does the one after it; both can be taken back."""
    path = tmp_path / "gateway.hcl"
    path.write_text(of(endpoints))
    async with crew(path) as running:
        await server(running, "drain", "origin", endpoints[0].url)
        await server(running, "weight", "origin", endpoints[1].url, 2)
        for number in (2, 3):
            (supervisor,) = running.supervisors()
            running.send(signal.SIGUSR2, supervisor)
            await running.ready(number)
            await running.gone(supervisor)
            assert await spread(running, endpoints) == [0, 16, 8]
        await server(running, "enable", "origin", endpoints[0].url)
        await server(running, "weight", "origin", endpoints[1].url, "default")
        assert await spread(running, endpoints) == [8, 8, 8]


async def test_a_drain_during_an_upgrade(tmp_path: Path, endpoints: Endpoints) -> None:
    """Whichever version is told of it while both are there, the new one knows."""
    path = tmp_path / "gateway.hcl"
    path.write_text(of(endpoints))
    async with crew(path) as running:
        (supervisor,) = running.supervisors()
        running.send(signal.SIGUSR2)
        await until(lambda: len(running.supervisors()) > 1, "a new version starts", 15)
        await server(running, "drain", "origin", endpoints[0].url)
        await running.ready(2)
        await running.gone(supervisor)
        await until(drains(running, endpoints[0]), "the new version knows")
        assert (await spread(running, endpoints))[0] == 0


async def test_an_endpoint_asks_for_it(tmp_path: Path) -> None:
    """With `drain_header`, one that answers with X-A3S-Server: drain gets no new clients from any worker, and is shown
    as draining until it says that it is ready or an operator enables it."""
    async with Origin() as leaving, Origin() as other:
        leaving.always(OK.replace(b"\r\n\r\n", b"\r\nX-A3S-Server: drain\r\n\r\n"))
        other.always()
        path = tmp_path / "gateway.hcl"
        path.write_text(of([leaving, other], service="drain_header = true"))
        async with crew(path) as running:
            for _ in range(2):
                assert (await running.fetch()).get(b"x-a3s-server") is None
            await until(drains(running, leaving), "it drains")
            assert await spread(running, [leaving, other]) == [0, 24]
            await server(running, "enable", "origin", leaving.url)
            assert (await spread(running, [leaving, other]))[0] > 0
