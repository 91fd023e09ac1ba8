"""Upgraded connections where there are several processes: limits, reloads, and the end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.support.live import until
from tests.support.origin import Origin
from tests.support.wire import Wire
from tests.support.workers import TWO, Crew, crew, text

ASK = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
CLOSED = b"\x88\x02\x03\xe9"
LIMIT = "websocket {\n max_connections = 4\n close_frame = true\n}"


async def upgraded(running: Crew, pid: int) -> tuple[Wire, int]:
    """A client of this worker, and the status of its handshake."""
    client = await running.connect(pid)
    await client.send(ASK)
    return client, (await client.message()).status


async def test_connections_are_limited_over_all_workers(tmp_path: Path) -> None:
    """One limit for both; what a worker held that is killed is free again. A reload keeps every connection, and the end
    of the gateway is told to all of them."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as origin:
        origin.always(SWITCH)
        path.write_text(text(origin.url, more=TWO).replace("  service     = ", f"{LIMIT}\n  service = "))
        async with crew(path) as running:
            first, second = (await running.workers()).values()
            clients = [await upgraded(running, pid) for pid in (first, first, first, second)]
            assert [status for _, status in clients] == [101] * 4
            assert [(await upgraded(running, pid))[1] for pid in (first, second)] == [503, 503]
            running.send(signal.SIGKILL, second)
            second = await running.successor(1, second)
            assert (await clients.pop()[0].end())[0] == b""

            async def admitted() -> bool:
                client, status = await upgraded(running, second)
                if status == 101:
                    clients.append((client, status))
                return status == 101

            await until(admitted, "the place is free again")
            path.write_text(path.read_text() + 'routers "more" {\n rule = "Path(`/more`)"\n service = "origin"\n}\n')
            running.send(signal.SIGHUP)
            await until(lambda: _reloaded(running), "the reload has taken effect")
            assert (await upgraded(running, first))[1] == 503
            for number, (client, _) in enumerate(clients):
                await client.send(b"\x81\x80\0\0\0\0")
                assert number < len(origin.wires)
            since = time.monotonic()
            running.send(signal.SIGTERM)
            assert [(await client.end())[0] for client, _ in clients] == [CLOSED] * 4
            assert time.monotonic() - since < 5


async def _reloaded(running: Crew) -> bool:
    return await running.metric('a3sgw_config_reloads_total{result="success"}') >= 1
