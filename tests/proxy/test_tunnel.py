"""Two connections wired across: nothing is lost, nothing piles up, and it ends as it should, once."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from a3sgw.proxy.tunnel import Terms, Tunnel
from a3sgw.sweeper import Sweeper
from a3sgw.tasks import spawn
from tests.support.wire import Wire

SIDES = pytest.mark.parametrize("first", ["client", "endpoint"])
DATA = bytes(range(251)) * 64 * 1024


class Joined:
    """A tunnel between two sockets of the test."""

    def __init__(self, terms: Terms) -> None:
        self.sweeper = Sweeper()
        self.sweeper.start()
        self.ended: list[Tunnel] = []
        self.over = asyncio.Event()
        self.tunnel = Tunnel(self.sweeper, terms, "route", self._on_end)
        self.client: Wire
        self.endpoint: Wire
        self.transports: list[asyncio.Transport] = []

    def _on_end(self, tunnel: Tunnel) -> None:
        self.ended.append(tunnel)
        self.sweeper.forget(tunnel)
        self.over.set()

    def other(self, name: str) -> Wire:
        """The one opposite of `name`."""
        return self.endpoint if name == "client" else self.client

    def one(self, name: str) -> Wire:
        """The one called `name`."""
        return self.client if name == "client" else self.endpoint

    async def end(self) -> str:
        """Why it ended, once it has."""
        async with asyncio.timeout(5):
            await self.over.wait()
        assert self.ended == [self.tunnel]
        return self.tunnel.reason


async def connected(unix: bool) -> tuple[Wire, asyncio.Transport]:
    """A socket of the test, and the transport at its other end."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as directory:
        if unix:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(Path(directory) / "socket"))
            listening.listen()
        else:
            listening = socket.create_server(("127.0.0.1", 0))
        raw = socket.socket(listening.family)
        raw.connect(listening.getsockname())
        there, _ = listening.accept()
        listening.close()
    there.setblocking(False)
    create = loop.create_unix_connection if unix else loop.create_connection
    transport, _ = await create(asyncio.Protocol, sock=there)
    return Wire(raw), transport


@asynccontextmanager
async def joined(
    early: tuple[bytes, bytes] = (b"", b""), unix: bool = False, watched: bool = True, **terms: float | bytes
) -> AsyncIterator[Joined]:
    """A tunnel that is open."""
    made = Joined(Terms(**terms))  # type: ignore[arg-type]  # as the test says
    made.client, here = await connected(unix)
    made.endpoint, there = await connected(unix)
    made.transports = [here, there]
    made.tunnel.join(here, there, *early)
    if watched:
        made.sweeper.watch(made.tunnel)
    try:
        yield made
    finally:
        made.client.close()
        made.endpoint.close()
        if not made.ended:
            made.tunnel.abort()
            await made.end()
        made.sweeper.stop()


# Passing on...


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
async def test_both_ways(unix: bool) -> None:
    """What one says the other hears, and both are counted."""
    async with joined(unix=unix) as on:
        await on.client.send(b"hello")
        assert await on.endpoint.read(5) == b"hello"
        await on.endpoint.send(b"good day")
        assert await on.client.read(8) == b"good day"
        assert (on.tunnel.received, on.tunnel.sent) == (5, 8)
        assert repr(on.tunnel) == "<Tunnel [5 received, 8 sent, open]>"


async def test_early_bytes_come_first() -> None:
    """What was read before the tunnel began goes before everything else, and counts."""
    async with joined(early=(b"from the client", b"from the endpoint")) as on:
        await on.client.send(b"!")
        assert await on.endpoint.read(16) == b"from the client!"
        assert await on.client.read(17) == b"from the endpoint"
        assert (on.tunnel.received, on.tunnel.sent) == (16, 17)


@SIDES
async def test_a_slow_side_holds_the_other_back(first: str) -> None:
    """What is not read stays with the sender: the gateway keeps a bounded part of it, and loses nothing."""
    async with joined() as on:
        sender, reader = on.one(first), on.other(first)
        read_from, written_to = on.transports if first == "client" else reversed(on.transports)
        sending = spawn(sender.send(DATA), "send")
        while read_from.is_reading():
            await asyncio.sleep(0)
        assert 0 < written_to.get_write_buffer_size() < 1024 * 1024
        assert not sending.done()
        assert await reader.read(len(DATA)) == DATA
        await sending
        await sender.send(b"and on")
        assert await reader.read(6) == b"and on"


async def test_a_client_that_is_slow_from_the_start() -> None:
    """The endpoint is not read before the client has caught up."""
    made = Joined(Terms())
    made.client, here = await connected(False)
    made.endpoint, there = await connected(False)
    here.set_protocol(asyncio.Protocol())
    here.write(DATA)
    made.tunnel.join(here, there, client_is_slow=True)
    assert not there.is_reading()
    await made.endpoint.send(b"and on")
    assert await made.client.read(len(DATA) + 6) == DATA + b"and on"
    made.tunnel.abort()
    await made.end()
    made.sweeper.stop()
    made.client.close()
    made.endpoint.close()


# Ending...


@SIDES
async def test_one_says_everything_and_the_other_goes_on(first: str) -> None:
    """A FIN is passed on; what the other side still says arrives, and its FIN ends it all."""
    async with joined(termination_delay=30) as on:
        one, other = on.one(first), on.other(first)
        await one.send(b"question")
        one.half_close()
        assert await other.rest() == b"question"
        await other.send(b"answer")
        other.close()
        assert await one.end() == (b"answer", "FIN")
        assert await on.end() == f"{first} closed"


@SIDES
async def test_one_says_everything_and_the_other_nothing(first: str) -> None:
    """Silence of the other side is borne for a moment only, however long the tunnel may be idle."""
    async with joined(termination_delay=0.1, idle=600) as on:
        one, other = on.one(first), on.other(first)
        one.half_close()
        assert await other.end() == (b"", "FIN")
        assert await one.end() == (b"", "FIN")
        assert await on.end() == f"{first} closed"


async def test_each_piece_extends_the_silence_that_is_borne() -> None:
    """One that goes on speaking after the other's FIN is heard to the end."""
    async with joined(termination_delay=0.3) as on:
        on.client.half_close()
        assert await on.endpoint.rest() == b""
        loop = asyncio.get_running_loop()
        late = loop.time() + 1.0
        count = 0
        while loop.time() < late:
            await on.endpoint.send(b"x")
            count += 1
            assert await on.client.read(1) == b"x"
            await asyncio.sleep(0.05)
        on.endpoint.close()
        assert await on.client.end() == (b"", "FIN")
        assert on.tunnel.sent == count


@SIDES
async def test_a_large_last_word_arrives_whole(first: str) -> None:
    """Closing waits until what was said has left, for a reader that begins late."""
    async with joined(termination_delay=30) as on:
        sending = spawn(_say(on.one(first), DATA), "send")
        assert await on.other(first).rest() == DATA
        await sending
        on.other(first).close()
        await on.end()


async def _say(wire: Wire, data: bytes) -> None:
    await wire.send(data)
    wire.close()


@SIDES
async def test_a_reset_is_passed_on(first: str) -> None:
    """What broke must not look as if it had ended."""
    async with joined() as on:
        await on.one(first).send(b"half of it")
        assert await on.other(first).read(10) == b"half of it"
        on.one(first).reset()
        assert await on.other(first).end() == (b"", "RST")
        assert await on.end() == "reset"


async def test_silence() -> None:
    """Without a byte in either direction it ends, and says why."""
    async with joined(idle=0.2) as on:
        assert await on.client.end() == (b"", "FIN")
        assert await on.endpoint.end() == (b"", "FIN")
        assert await on.end() == "idle"
        assert 0.1 < on.tunnel.seconds < 2


async def test_a_byte_now_and_then_is_enough() -> None:
    """Bytes of either side keep it open for longer than it may be silent."""
    async with joined(idle=0.4) as on:
        for _ in range(5):
            await on.client.send(b".")
            assert await on.endpoint.read(1) == b"."
            await asyncio.sleep(0.2)
        assert not on.ended


async def test_the_total_limit() -> None:
    """It holds however much is said."""
    async with joined(total=0.3) as on:
        while not on.ended:
            await asyncio.gather(on.client.send(b"."), on.endpoint.read(1), return_exceptions=True)
        assert await on.end() == "total"


async def test_slow_is_not_idle() -> None:
    """A reader that takes a little now and then keeps it open, although no new byte can be read."""
    async with joined(idle=0.5) as on:
        sending = spawn(on.endpoint.send(DATA), "send")
        while on.transports[1].is_reading():
            await asyncio.sleep(0)
        touched = on.tunnel.touched
        for _ in range(8):
            await on.client.read(512 * 1024)
            await asyncio.sleep(0.2)
        assert not on.ended
        assert on.tunnel.touched > touched
        on.client.reset()
        await asyncio.gather(sending, return_exceptions=True)


async def test_one_that_reads_no_more_is_idle() -> None:
    """A side that takes nothing does not hold a tunnel open."""
    async with joined(idle=0.2) as on:
        sending = spawn(on.endpoint.send(DATA), "send")
        while on.transports[1].is_reading():
            await asyncio.sleep(0)
        on.tunnel.deadline = 0.0
        async with asyncio.timeout(10):
            while not on.tunnel.reason:
                await asyncio.sleep(0.01)
        assert on.tunnel.reason == "idle"
        on.tunnel.abort()
        with pytest.raises(ConnectionError):
            await sending


async def test_an_overtaken_route() -> None:
    """It ends in the second half of the time it is given, not sooner, and the client is told."""
    async with joined(drain_timeout=0.4, goodbye=b"goodbye") as on:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        on.tunnel.retire(on.tunnel.terms.drain_timeout)
        await on.client.send(b"still there?")
        assert await on.endpoint.read(12) == b"still there?"
        assert await on.client.end() == (b"goodbye", "FIN")
        assert await on.endpoint.end() == (b"", "FIN")
        assert await on.end() == "reload"
        assert 0.2 <= loop.time() - begun < 2


async def test_said_twice() -> None:
    """A second reload does not put the end off, a shutdown that comes sooner brings it nearer."""
    async with joined(drain_timeout=30, watched=False) as on:
        on.tunnel.retire(30)
        at = on.tunnel.deadline
        assert on.sweeper.now + 15 <= at <= on.sweeper.now + 30
        on.tunnel.retire(300)
        assert on.tunnel.deadline == at
        on.tunnel.drain(1)
        assert on.sweeper.now + 0.4 <= on.tunnel.deadline <= on.sweeper.now + 0.8


async def test_the_shares_differ() -> None:
    """Not all tunnels of a route end at the same moment."""
    async with joined(watched=False) as one, joined(watched=False) as two:
        one.tunnel.retire(1000)
        two.tunnel.retire(1000)
        assert one.tunnel.deadline != two.tunnel.deadline


async def test_drained_without_time() -> None:
    """It closes at once."""
    async with joined() as on:
        on.tunnel.drain()
        assert await on.client.end() == (b"", "FIN")
        assert await on.end() == "shutdown"


async def test_cut() -> None:
    """Both sides see that it did not end in order."""
    async with joined() as on:
        on.tunnel.abort()
        assert await on.client.end() == (b"", "RST")
        assert await on.endpoint.end() == (b"", "RST")
        assert await on.end() == "shutdown"


async def test_a_side_that_had_gone_before() -> None:
    """A connection that closed while the other was being made ends it at once."""
    made = Joined(Terms())
    made.client, here = await connected(False)
    made.endpoint, there = await connected(False)
    here.close()
    made.tunnel.join(here, there)
    assert await made.endpoint.end() == (b"", "FIN")
    assert await made.end() == "client closed"
    made.sweeper.stop()
    made.client.close()
    made.endpoint.close()
