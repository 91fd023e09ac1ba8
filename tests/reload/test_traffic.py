"""Traffic does not notice reloads: no failed request, no cut stream, no connection made anew."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from a3sgw.tasks import spawn
from tests.support.live import GET, Live, hcl, live, until
from tests.support.origin import OK, Origin
from tests.support.wire import Wire

RELOADS = 30
CLIENTS = 8


class Busy:
    """Clients that ask one request after the other on kept connections until they are told to stop."""

    def __init__(self, running: Live) -> None:
        self.running = running
        self.stop = False
        self.statuses: dict[int, int] = {}
        self.versions: set[bytes | None] = set()

    def saw(self, version: str) -> bool:
        """Whether a client got an answer of this version."""
        return version.encode() in self.versions

    async def ask(self) -> None:
        """One client; any error or closed connection ends it with an exception."""
        wire = await self.running.connect()
        while not self.stop:
            await wire.send(GET)
            answer = await wire.message()
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.versions.add(answer.get(b"x-version"))


async def stream(there: Wire, stop: asyncio.Event) -> int:
    """An answer in chunks that goes on until `stop`; returns how many there were."""
    await there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    count = 0
    while not stop.is_set():
        await there.send(b"5\r\nchunk\r\n")
        count += 1
        await asyncio.sleep(0.005)
    await there.send(b"0\r\n\r\n")
    return count


async def test_nothing_fails_over_many_reloads(tmp_path: Path, origin: Origin) -> None:
    """Clients on kept connections ask throughout, a stream runs throughout, and every tenth edit is broken."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as streaming:
        more = f"""
        routers "stream" {{
          rule     = "Path(`/stream`)"
          service  = "stream"
          priority = 100
        }}
        services "stream" {{
          load_balancer {{ servers = [{{ url = "{streaming.url}" }}] }}
        }}
        """
        path.write_text(hcl(origin.url, "0", more))
        async with live(path) as running:
            busy = Busy(running)
            clients = [spawn(busy.ask(), "client") for _ in range(CLIENTS)]
            viewer = await running.connect()
            await viewer.send(b"GET /stream HTTP/1.1\r\nHost: a.example\r\n\r\n")
            there = await streaming.accept()
            await there.message()
            stop = asyncio.Event()
            sending = spawn(stream(there, stop), "stream")
            watching = spawn(viewer.message(), "viewer")
            broken = 0
            for number in range(1, RELOADS + 1):
                version = str(number)
                if number % 10 == 0:
                    broken += 1
                    await running.refuses(partial(path.write_text, hcl(origin.url, version)[:-40]))
                # Every other reload also makes the service anew, with the same endpoint.
                path.write_text(hcl(origin.url, version, more, f'request_timeout = "{30 + number // 2}s"'))
                assert await running.gateway.reload()
                await until(partial(busy.saw, version), f"version {version} is seen")
            busy.stop = True
            await asyncio.gather(*clients)
            stop.set()
            sent = await sending
            answer = await watching
            assert answer.body == b"chunk" * sent
            assert set(busy.statuses) == {200}
            assert busy.statuses[200] > RELOADS * CLIENTS
            assert running.reloads("failure") == broken
            # Each client kept its connection, and so did the gateway its own.
            assert len(origin.wires) <= CLIENTS


async def test_an_unchanged_service_keeps_its_connections(tmp_path: Path, origin: Origin) -> None:
    """After a reload of something else the next request goes out on the connection of the one before."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        assert await running.version() == "1"
        for version in ("2", "3"):
            path.write_text(hcl(origin.url, version))
            assert await running.gateway.reload()
            assert await running.version() == version
        assert len(origin.wires) == 1


async def test_a_changed_service_keeps_the_connections_of_the_endpoints_it_keeps(
    tmp_path: Path, origin: Origin
) -> None:
    """A second endpoint, another timeout: the pool of the first endpoint is the same."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        assert await running.version() == "1"
        path.write_text(hcl(origin.url, "2", service='request_timeout = "5s"'))
        assert await running.gateway.reload()
        assert await running.version() == "2"
        assert len(origin.wires) == 1


async def test_an_exchange_finishes_on_the_endpoint_it_has(tmp_path: Path, origin: Origin) -> None:
    """An endpoint that leaves the configuration answers what it was asked; then its connection closes."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as old:
        path.write_text(hcl(old.url, "1"))
        async with live(path) as running:
            client = await running.connect()
            await client.send(GET)
            there = await old.accept()
            await there.message()
            path.write_text(hcl(origin.url, "2"))
            assert await running.gateway.reload()
            await there.send(OK)
            answer = await client.message()
            assert (answer.status, answer.get(b"x-version")) == (200, b"1")
            assert await there.more() == b""
            await client.send(GET)
            assert (await client.message()).get(b"x-version") == b"2"


async def test_idle_connections_to_a_removed_endpoint_close(tmp_path: Path, origin: Origin) -> None:
    """Nothing is kept for an endpoint that nobody names."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as old:
        path.write_text(hcl(old.url, "1"))
        async with live(path) as running:
            client = await running.connect()
            await client.send(GET)
            there = await old.accept()
            await there.message()
            await there.send(OK)
            assert (await client.message()).status == 200
            path.write_text(hcl(origin.url, "2"))
            assert await there.more() == b""


async def test_a_removed_route_is_gone(tmp_path: Path, origin: Origin) -> None:
    """The next request on a kept connection is judged by the new table; an upload that runs finishes on the old one."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        client = await running.connect()
        await client.send(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n", b"bo")
        await until(lambda: origin.wires, "the upload has found its endpoint")
        path.write_text(hcl(origin.url, "2").replace("PathPrefix(`/`)", "Path(`/other`)"))
        assert await running.gateway.reload()
        await client.send(b"dy")
        assert (await client.message()).status == 200
        await client.send(GET)
        assert (await client.message()).status == 404
