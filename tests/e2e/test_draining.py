"""An entrypoint goes away under its clients: nobody who asks in time goes without an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from a3sgw.tasks import spawn
from tests.support.door import Doors, doors
from tests.support.origin import OK, Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
UNKNOWN = b"GET /unknown HTTP/1.1\r\nHost: a.example\r\n\r\n"
PATIENCE = 0.3
CLIENTS = 8
SWAPS = 8


async def test_an_idle_connection_gets_one_more_answer() -> None:
    """Its next request is answered, with `Connection: close`, and then everybody is gone."""
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        door = await on.open()
        client = await on.connect()
        await client.send(GET)
        assert (await client.message()).get(b"connection") is None
        door.shut(30)
        drained = spawn(door.gate.drained(30), "drained")
        await client.send(GET)
        answer = await client.message()
        assert (answer.status, answer.get(b"connection")) == (200, b"close")
        assert await client.end() == (b"", "FIN")
        client.close()
        assert await drained == 0


@pytest.mark.parametrize("asked", [False, True], ids=["new", "kept"])
async def test_a_quiet_connection_ends_after_the_patience(asked: bool) -> None:
    """Whoever asks for nothing is closed then, not sooner and not much later, as if it had been idle for too long."""
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        door = await on.open()
        client = await on.connect()
        while not door.gate.connections:
            await asyncio.sleep(0)
        if asked:
            await client.send(GET)
            await client.message()
        shut = door.shut(PATIENCE)
        assert await door.gate.drained(30) == 0
        assert await client.end() == (b"", "FIN")
        assert PATIENCE - 0.1 <= time.monotonic() - shut < 5


async def test_a_connection_that_comes_last_ends_after_the_patience() -> None:
    """One that was accepted while the entrypoint closed waits no longer than the others."""
    async with doors() as on:
        door = await on.open()
        door.gate.close(PATIENCE)
        client = await on.connect()
        assert await client.end() == (b"", "FIN")


async def test_a_client_that_was_told_to_go_on_may_go_on() -> None:
    """An answer whose head was out before the entrypoint closed promised another: that one is given, too."""
    async with Origin() as origin, doors(origin.url) as on:
        door = await on.open()
        client = await on.connect()
        await client.send(GET)
        there = await origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo")
        assert (await client.head()).get(b"connection") is None
        door.shut(30)
        await there.send(b"dy")
        assert await client.read(4) == b"body"
        await client.send(GET)
        await there.message()
        await there.send(OK)
        assert (await client.message()).get(b"connection") == b"close"
        assert await client.end() == (b"", "FIN")


async def test_a_promise_is_kept_only_so_long() -> None:
    """The same client without another request is closed after the patience, counted from its answer."""
    async with Origin() as origin, doors(origin.url) as on:
        door = await on.open()
        client = await on.connect()
        await client.send(GET)
        there = await origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo")
        await client.head()
        door.shut(PATIENCE)
        await there.send(b"dy")
        assert await client.read(4) == b"body"
        assert await client.end() == (b"", "FIN")


@pytest.mark.parametrize("requests", [(GET, GET, GET), (UNKNOWN, UNKNOWN, UNKNOWN), (GET, UNKNOWN, GET, UNKNOWN)])
async def test_requests_sent_ahead_are_all_answered(requests: tuple[bytes, ...]) -> None:
    """Only the last of them says that the connection ends."""
    async with Origin() as origin, doors(origin.url, rule="Path(`/`)") as on:
        origin.always()
        door = await on.open()
        client = await on.connect()
        await client.send(GET)
        await client.message()
        door.shut(30)
        await client.send(b"".join(requests))
        said = [(await client.message()).get(b"connection") for _ in requests]
        assert said == [None] * (len(requests) - 1) + [b"close"]
        assert await client.end() == (b"", "FIN")


async def test_requests_sent_ahead_before_it_closed_are_all_answered() -> None:
    """The same when they had come while the first was being answered."""
    async with Origin() as origin, doors(origin.url) as on:
        door = await on.open()
        client = await on.connect()
        await client.send(GET * 3)
        there = await origin.accept()
        await there.message()
        door.shut(30)
        await there.send(OK)
        for _ in range(2):
            await there.message()
            await there.send(OK)
        assert [(await client.message()).get(b"connection") for _ in range(3)] == [None, None, b"close"]
        assert await client.end() == (b"", "FIN")


async def test_a_client_that_is_always_ahead_is_stopped() -> None:
    """When the patience is over, the next answer is the last, whatever was sent behind it."""
    async with Origin() as origin, doors(origin.url) as on:
        door = await on.open()
        client = await on.connect()
        await client.send(GET * 3)
        there = await origin.accept()
        await there.message()
        door.shut(PATIENCE)
        while on.sweeper.now < door.gate.patient_until:
            await asyncio.sleep(0.01)
        await there.send(OK)
        assert (await client.message()).get(b"connection") == b"close"
        assert await client.end() == (b"", "FIN")
        assert len(origin.wires) == 1


async def test_a_head_that_has_begun_is_waited_for() -> None:
    """Half a request at the moment of closing is a request: it has its usual time."""
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        door = await on.open()
        client = await on.connect()
        await client.send(GET[:20])
        while not door.gate.connections:
            await asyncio.sleep(0)
        shut = door.shut(PATIENCE)
        while time.monotonic() < shut + 2 * PATIENCE + 0.3:
            await asyncio.sleep(0.05)
        await client.send(GET[20:])
        assert (await client.message()).status == 200


async def test_a_request_that_has_arrived_is_read() -> None:
    """A process that was kept from running for longer than the patience looks before it closes."""
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        door = await on.open()
        clients = [await on.connect() for _ in range(5)]
        for client in clients:
            await client.send(GET)
            await client.message()
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()

        def stall() -> None:
            """In the middle of what the loop has just been told of, so that it looks at its timers next."""
            loop.remove_reader(here)
            for client in clients:
                client.socket.send(GET)
            time.sleep(PATIENCE + 0.5)

        with here, there:
            loop.add_reader(here, stall)
            door.shut(PATIENCE)
            there.send(b"x")
            for client in clients:
                assert (await client.message()).status == 200


async def test_without_patience_idle_connections_end_at_once() -> None:
    """So it is when an entrypoint is to be gone, whoever is there."""
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        door = await on.open()
        client = await on.connect()
        await client.send(GET)
        await client.message()
        door.shut()
        assert await client.end() == (b"", "FIN")
        assert await door.gate.drained(0) == 0


class Crowd:
    """Clients in threads of their own that ask without a break, and come back when they are told that it ends."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.stop = threading.Event()
        self.answers = 0
        self.connections = 0

    def ask(self, pause: float) -> None:
        """One of them; an answer that does not come, or not whole, ends it with an exception."""
        while not self.stop.is_set():
            with socket.create_connection(self.address, 10) as raw:
                self.connections += 1
                while not self.stop.is_set():
                    raw.sendall(GET)
                    head = b""
                    while not head.endswith(b"\r\n\r\nok"):
                        piece = raw.recv(65536)
                        assert piece, f"a request failed after {head!r}"
                        head += piece
                    self.answers += 1
                    if b"Connection: close" in head:
                        break
                    self.stop.wait(pause)


async def swap(on: Doors, crowd: Crowd, clients: asyncio.Future[list[None]]) -> None:
    """The next door opens beside the last, which then closes; every client must come over."""
    last = on.made[-1]
    while len(last.gate.connections) < CLIENTS and not clients.done():
        await asyncio.sleep(0.001)
    await on.open()
    before = crowd.answers
    while crowd.answers < before + 10 * CLIENTS and not clients.done():
        await asyncio.sleep(0.001)
    last.shut(1.0)
    assert await last.gate.drained(20) == 0


async def test_clients_that_never_pause_notice_nothing() -> None:
    """One door after the other closes while others go on with its socket: not one request fails."""
    loop = asyncio.get_running_loop()
    async with Origin() as origin, doors(origin.url) as on:
        origin.always()
        await on.open()
        crowd = Crowd(on.address)
        pauses = (0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.01, 0.1)
        assert len(pauses) == CLIENTS
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = asyncio.gather(*(loop.run_in_executor(threads, crowd.ask, pause) for pause in pauses))
            try:
                async with asyncio.timeout(60):
                    for _ in range(SWAPS):
                        await swap(on, crowd, clients)
            finally:
                crowd.stop.set()
                await clients
        assert crowd.connections > CLIENTS * SWAPS
