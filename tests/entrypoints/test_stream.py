"""A listening socket in front of a gate: binding, errors, unix sockets, handing over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.entrypoints.stream import StreamEntrypoint
from a3sgw.errors import BindError
from a3sgw.listeners import bind
from a3sgw.observe.metrics import Metrics
from a3sgw.options import SocketAddress
from a3sgw.proxy.downstream import Downstream
from a3sgw.shared.table import SharedTable
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from tests.support.descriptors import held
from tests.support.live import GET, dial, fetch, refused, until


class Entrypoints:
    """Makes entrypoints that answer every request with 404, and stops them."""

    def __init__(self) -> None:
        self.sweeper = Sweeper()
        self.metrics = Metrics()
        self.made: list[StreamEntrypoint] = []
        self.config = load_config('entrypoints "web" { address = ":80" }\n')
        parts = Parts(self.sweeper, lambda *names: (), Registry())
        self.snapshot = Snapshot.compile(self.config, parts)

    def make(self) -> StreamEntrypoint:
        one = StreamEntrypoint("web", self.sweeper, self.metrics.entrypoint("web"))
        one.gate.apply(self.config.entrypoints["web"], self.snapshot.tables["web"])
        self.made.append(one)
        return one


@pytest_asyncio.fixture
async def entrypoints() -> AsyncIterator[Entrypoints]:
    made = Entrypoints()
    made.sweeper.start()
    yield made
    for one in made.made:
        one.stop()
        await one.gate.drained(1)
    made.sweeper.stop()


async def listen(one: StreamEntrypoint, address: SocketAddress) -> None:
    """Bind, and give it the sockets."""
    await one.listen((await bind(address)).sockets)


async def test_listening(entrypoints: Entrypoints) -> None:
    """Port 0 becomes a real one; after stopping nobody listens there."""
    one = entrypoints.make()
    assert one.addresses == []
    await listen(one, SocketAddress("127.0.0.1", 0))
    (address,) = one.addresses
    assert address.startswith("127.0.0.1:")
    assert (await fetch(address)).status == 404
    one.stop()
    assert one.addresses == []
    assert await refused(address)


async def test_both_families(entrypoints: Entrypoints) -> None:
    """``:port`` listens on IPv4 and IPv6 alike; IPv6 addresses are shown in brackets."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    one = entrypoints.make()
    await listen(one, SocketAddress("", port))
    assert sorted(one.addresses) == sorted([f"0.0.0.0:{port}", f"[::]:{port}"])
    assert (await fetch(f"[::1]:{port}")).status == 404
    assert (await fetch(f"127.0.0.1:{port}")).status == 404


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (SocketAddress("192.0.2.1", 80), "192.0.2.1:80"),
        (SocketAddress("no.such.host.invalid", 80), "no.such.host.invalid:80"),
        (SocketAddress("a..b", 80), "a..b:80"),
        (SocketAddress(path="/no/such/directory/web.sock"), "unix:/no/such/directory/web.sock"),
        (SocketAddress(path="/" + "x" * 200), "unix:/xxx"),
    ],
)
async def test_what_cannot_be_bound(entrypoints: Entrypoints, address: SocketAddress, says: str) -> None:
    """BindError names the address as it was written, and why."""
    with pytest.raises(BindError, match=r"cannot listen on \S+: \S") as raised:
        await listen(entrypoints.make(), address)
    assert says in str(raised.value)


async def test_an_address_in_use(entrypoints: Entrypoints) -> None:
    """Two do not share a port, though each may reuse one whose last connections are still closing."""
    one = entrypoints.make()
    await listen(one, SocketAddress("127.0.0.1", 0))
    port = int(one.addresses[0].rpartition(":")[2])
    with pytest.raises(BindError, match="in use"):
        await listen(entrypoints.make(), SocketAddress("127.0.0.1", port))
    one.stop()
    await listen(entrypoints.make(), SocketAddress("127.0.0.1", port))


async def test_a_unix_socket(entrypoints: Entrypoints, tmp_path: Path) -> None:
    """It answers; a file left by a crash is replaced, one that somebody listens on is not."""
    path = str(tmp_path / "web.sock")
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(path)
    one = entrypoints.make()
    await listen(one, SocketAddress(path=path))
    assert one.addresses == [f"unix:{path}"]
    assert (await fetch(f"unix:{path}")).status == 404
    with pytest.raises(BindError, match="in use"):
        await listen(entrypoints.make(), SocketAddress(path=path))
    assert (await fetch(f"unix:{path}")).status == 404


async def test_a_file_in_the_way(entrypoints: Entrypoints, tmp_path: Path) -> None:
    """What is not a socket is never removed."""
    path = tmp_path / "web.sock"
    path.write_text("precious")
    with pytest.raises(BindError):
        await listen(entrypoints.make(), SocketAddress(path=str(path)))
    assert path.read_text() == "precious"


@pytest.mark.parametrize("kind", ["tcp", "both families", "unix"])
async def test_taking_over(entrypoints: Entrypoints, tmp_path: Path, kind: str) -> None:
    """The new one accepts from the same sockets, and goes on when the old one stops."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    addresses = {"tcp": ("127.0.0.1", 0), "both families": ("", port)}
    old, new = entrypoints.make(), entrypoints.make()
    host, number = addresses.get(kind, ("", 0))
    await listen(old, SocketAddress(path=str(tmp_path / "web.sock")) if kind == "unix" else SocketAddress(host, number))
    listening = old.addresses
    await new.take_over(old)
    assert sorted(new.addresses) == sorted(listening)
    old.stop()
    for address in listening:
        assert (await fetch(address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]"))).status == 404
    new.stop()
    if kind != "unix":
        assert await refused(listening[0].replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]"))


async def test_stopping_with_patience(entrypoints: Entrypoints) -> None:
    """Nobody new is let in, and an idle client gets one more answer, which says that it is the last."""
    one = entrypoints.make()
    await listen(one, SocketAddress("127.0.0.1", 0))
    (address,) = one.addresses
    wire = await dial(address)
    await wire.send(GET)
    assert (await wire.message()).get(b"connection") is None
    one.stop(30)
    assert await refused(address)
    await wire.send(GET)
    assert (await wire.message()).get(b"connection") == b"close"
    wire.close()
    assert await one.gate.drained(30) == 0


async def test_a_limit_for_all_processes(entrypoints: Entrypoints) -> None:
    """Two entrypoints of one name that share a table share `max_connections`."""
    table = SharedTable.create(64)
    config = load_config('entrypoints "web" {\n address = ":80"\n max_connections = 1\n}\n')
    addresses = []
    for _ in range(2):
        one = StreamEntrypoint("web", entrypoints.sweeper, entrypoints.metrics.entrypoint("web"), table)
        one.gate.apply(config.entrypoints["web"], entrypoints.snapshot.tables["web"])
        entrypoints.made.append(one)
        await listen(one, SocketAddress("127.0.0.1", 0))
        addresses += one.addresses
    wire = await dial(addresses[0])
    await wire.send(GET)
    assert (await wire.message()).status == 404
    assert (await fetch(addresses[1])).status == 503
    wire.close()
    await until(lambda: table.held(b"max_connections\0web") == 0, "the place is free")
    assert (await fetch(addresses[1])).status == 404
    await until(lambda: table.held(b"max_connections\0web") == 0, "the place is free again")
    table.close()


async def test_stopping_twice(entrypoints: Entrypoints) -> None:
    """Changes nothing the second time, and leaves no descriptor behind."""
    before = held()["socket"]
    one = entrypoints.make()
    await listen(one, SocketAddress("127.0.0.1", 0))
    one.stop()
    one.stop()
    await asyncio.sleep(0)
    assert held()["socket"] == before
    assert repr(one) == "<StreamEntrypoint [web, 0 connections]>"


async def test_small_answers_do_not_wait(entrypoints: Entrypoints) -> None:
    """What is written leaves at once: together with the delayed acknowledgements of a client, Nagle's algorithm would
    hold the second small piece for 40 ms."""
    one = entrypoints.make()
    await listen(one, SocketAddress("127.0.0.1", 0))
    wire = await dial(one.addresses[0])
    await until(lambda: one.gate.connections, "it is accepted")
    (connection,) = one.gate.connections
    assert isinstance(connection, Downstream)
    accepted = connection._transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    wire.close()
