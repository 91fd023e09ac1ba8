"""Bound sockets in front of a gate: handing over, one of several, those of other workers."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator

import pytest_asyncio

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.entrypoints.udp import UdpEntrypoint
from a3sgw.listeners import bind
from a3sgw.observe.metrics import Metrics
from a3sgw.options import SocketAddress
from a3sgw.serving import made
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from tests.support.datagrams import Asker, Speaker
from tests.support.descriptors import held
from tests.support.live import until

HERE = SocketAddress("127.0.0.1", 0)


class Entrypoints:
    """Makes entrypoints in front of one endpoint, and stops them."""

    def __init__(self, url: str) -> None:
        self.sweeper = Sweeper()
        self.metrics = Metrics()
        self.made: list[UdpEntrypoint] = []
        self.config = load_config(f"""
        entrypoints "dns" {{
          address  = "127.0.0.1:0"
          protocol = "udp"
        }}
        routers "dns" {{
          service = "dns"
        }}
        services "dns" {{
          load_balancer {{ servers = [{{ url = "{url}" }}] }}
        }}
        """)
        self.snapshot = Snapshot.compile(self.config, Parts(self.sweeper, lambda *names: (), Registry()))

    def make(self) -> UdpEntrypoint:
        one = made("udp", "dns", self.sweeper, self.metrics.entrypoint("dns"))
        assert isinstance(one, UdpEntrypoint)
        one.gate.apply(self.config.entrypoints["dns"], self.snapshot.tables["dns"])
        self.made.append(one)
        return one


@pytest_asyncio.fixture
async def entrypoints() -> AsyncIterator[Entrypoints]:
    async with Speaker("a") as speaker:
        found = Entrypoints(speaker.url)
        found.sweeper.start()
        yield found
        for one in found.made:
            one.stop()
            await one.gate.drained(1)
        found.sweeper.stop()


async def test_nothing_is_left(entrypoints: Entrypoints) -> None:
    """After it has stopped, neither its own socket nor those of its sessions."""
    before = held()
    one = entrypoints.make()
    await one.listen((await bind(HERE, "udp")).sockets)
    assert repr(one) == "<UdpEntrypoint [dns, 0 sessions]>"
    assert repr(one._ports[0]) == f"<Port [{one.addresses[0]}, 0 sessions]>"
    with Asker(one.addresses[0]) as asker:
        assert await asker.ask(b"1") == b"a 1"
        assert repr(next(iter(one.gate.order))).startswith("<Session [127.0.0.1 → udp://127.0.0.1:")
    one.stop()
    assert await one.gate.drained(1) == 0
    assert held() == before


async def test_handing_over(entrypoints: Entrypoints) -> None:
    """Another one receives from the same socket, and the first still sends what its sessions owe."""
    before = held()
    first, second = entrypoints.make(), entrypoints.make()
    await first.listen((await bind(HERE, "udp")).sockets)
    with Asker(first.addresses[0]) as asker:
        await asker.ask(b"1")
        await second.take_over(first)
        assert second.addresses == first.addresses
        first.stop()
        for number in range(8):
            said = b"%d" % number
            assert await asker.ask(said) == b"a " + said
        assert len(second.gate.connections) == 1
    for one in (first, second):
        one.stop()
        await one.gate.drained(1)
    assert held() == before


async def test_receiving_from_other_sockets(entrypoints: Entrypoints) -> None:
    """When there are more or fewer workers: what it has in common with before is kept, others are let go, and whoever
    waits at a new one is served."""
    before = held()
    one = entrypoints.make()
    listener = await bind(HERE, "udp")
    await one.listen([*listener.sockets, *(gone := await bind(HERE, "udp")).sockets])
    with Asker(one.addresses[0]) as stays, Asker(one.addresses[1]) as leaves:
        await stays.ask(b"1")
        await leaves.ask(b"1")
        kept, new = listener.sockets[0], (await bind(HERE, "udp")).sockets[0]
        address = "{}:{}".format(*new.getsockname())
        with Asker(address) as waits:
            waits.send(b"2")
            await one.listen_only([socket.socket(fileno=os.dup(kept.fileno())), new])
            assert await waits.receive() == b"a 2"
            assert await stays.ask(b"3") == b"a 3"
        assert len(one.addresses) == 2
        assert gone.sockets[0].fileno() >= 0  # a session may still have to reply
        for session in [session for session in one.gate.order if session.address[1] == leaves.port]:
            session.end("idle")
        assert gone.sockets[0].fileno() == -1
    one.stop()
    await one.gate.drained(1)
    await until(lambda: held() == before, "all are closed")


async def test_room_for_bursts(entrypoints: Entrypoints) -> None:
    """Hundreds of datagrams may come before anybody looks."""
    one = entrypoints.make()
    sockets = (await bind(HERE, "udp")).sockets
    usual = sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    await one.listen(sockets)
    assert sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= usual
    with Asker(one.addresses[0]) as asker:
        for _ in range(150):
            asker.send(b"x")
        for _ in range(150):
            assert await asker.receive() == b"a x"
