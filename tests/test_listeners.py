"""Listening sockets: as many as wanted for each address, and exclusive."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.errors import BindError
from a3sgw.listeners import Listener, adopt, bind, key_of, more, named, owned
from a3sgw.options import SocketAddress
from tests.support.descriptors import held, identity
from tests.support.live import free_port, until

CLIENTS = 400
KINDS = {"http": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    before = held()
    yield
    assert held() == before


def joins(address: tuple[str, int], kind: int, *, reuse: bool) -> bool:
    """Whether somebody else can bind and listen there; with `reuse` one who sets SO_REUSEPORT."""
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, kind) as other:
        if reuse:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            other.bind(address)
            if kind == socket.SOCK_STREAM:
                other.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


async def spread(listener: Listener) -> list[int]:
    """How many of 400 clients come to each socket."""
    (group,) = listener.groups
    clients = [socket.create_connection(group[0].getsockname()) for _ in range(CLIENTS)]
    counts = [0] * len(group)

    def all_have_come() -> bool:
        for place, one in enumerate(group):
            while True:
                try:
                    one.accept()[0].close()
                except BlockingIOError:
                    break
                counts[place] += 1
        return sum(counts) == CLIENTS

    await until(all_have_come, "every connection is accepted")
    for client in clients:
        client.close()
    return counts


def spread_datagrams(listener: Listener) -> list[int]:
    """How many of 400 clients' datagrams come to each socket."""
    (group,) = listener.groups
    for _ in range(CLIENTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", group[0].getsockname())
    counts = [0] * len(group)
    for place, one in enumerate(group):
        while True:
            try:
                one.recv(10)
            except BlockingIOError:
                break
            counts[place] += 1
    return counts


# Binding...


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("protocol", ["http", "tcp", "udp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_as_many_as_wanted(host: str, protocol: str, count: int) -> None:
    """All with one port, ready to be polled, and not inherited by child processes."""
    listener = await bind(SocketAddress(host, 0), protocol, count)
    (group,) = listener.groups
    assert len(group) == len(listener.sockets) == count
    assert len({one.getsockname() for one in group}) == 1
    assert listener.addresses == [named(group[0])]
    kind = KINDS.get(protocol, socket.SOCK_STREAM)
    for one in group:
        assert one.type == kind
        assert not one.getblocking()
        assert not one.get_inheritable()
        accepting = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert bool(accepting) == (kind == socket.SOCK_STREAM)
    listener.close()


@pytest.mark.parametrize("protocol", ["http", "udp"])
async def test_all_interfaces(protocol: str) -> None:
    """Both families, each with its own sockets, so that clients are seen with the address they have."""
    port = free_port()
    listener = await bind(SocketAddress("", port), protocol, 2)
    assert sorted(listener.addresses) == [f"0.0.0.0:{port}", f"[::]:{port}"]
    assert [len(group) for group in listener.groups] == [2, 2]
    listener.close()


async def test_a_name() -> None:
    """Every address behind it."""
    port = free_port()
    listener = await bind(SocketAddress("localhost", port), "http", 2)
    assert f"127.0.0.1:{port}" in listener.addresses
    assert len(listener.sockets) == 2 * len(listener.groups)
    listener.close()


@pytest.mark.parametrize("protocol", ["http", "udp"])
async def test_a_socket_file(tmp_path: Path, protocol: str) -> None:
    """Has no groups: one socket for everybody, whose file goes with it."""
    path = tmp_path / "web.sock"
    listener = await bind(SocketAddress(path=str(path)), protocol, 3)
    assert len(listener.sockets) == 1
    assert listener.addresses == [f"unix:{path}"]
    assert listener.node == path.stat().st_ino
    assert more(listener, protocol, 5) is listener
    listener.close()
    assert not path.exists()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("protocol", ["http", "udp"])
async def test_a_second_gateway(protocol: str, count: int) -> None:
    """Started by mistake it is refused, also where the first one has many sockets, and leaves nothing open."""
    first = await bind(SocketAddress("127.0.0.1", 0), protocol, count)
    port = first.sockets[0].getsockname()[1]
    for _ in range(2):
        with pytest.raises(BindError, match="in use"):
            await bind(SocketAddress("127.0.0.1", port), protocol, count)
    with pytest.raises(BindError, match="in use"):
        await bind(SocketAddress("", port), protocol, count)
    first.close()
    (await bind(SocketAddress("127.0.0.1", port), protocol, count)).close()


@pytest.mark.parametrize("protocol", ["http", "udp"])
async def test_who_joins(protocol: str) -> None:
    """Nobody while there is one socket, whatever they set. Beside several the kernel lets in who sets SO_REUSEPORT and
    is of the same user (socket(7)); who does not is refused."""
    one = await bind(SocketAddress("127.0.0.1", 0), protocol)
    several = await bind(SocketAddress("127.0.0.1", 0), protocol, 2)
    kind = KINDS[protocol]
    found = {
        (listener is several, reuse): joins(listener.sockets[0].getsockname(), kind, reuse=reuse)
        for listener in (one, several)
        for reuse in (False, True)
    }
    assert found == {(False, False): False, (False, True): False, (True, False): False, (True, True): True}
    one.close()
    several.close()


async def test_half_of_an_address_in_use() -> None:
    """With one family taken the whole address is refused, and the other one is free again."""
    port = free_port()
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", port))
        other.listen()
        with pytest.raises(BindError, match="in use"):
            await bind(SocketAddress("", port), "http", 3)
        assert joins(("0.0.0.0", port), socket.SOCK_STREAM, reuse=False)


# Spreading...


@pytest.mark.parametrize("grown", [False, True])
@pytest.mark.parametrize("protocol", ["http", "udp"])
@pytest.mark.parametrize("count", [2, 4])
async def test_clients_are_spread(protocol: str, count: int, grown: bool) -> None:
    """Over all sockets alike, those included that came later; the bounds are ten standard deviations of chance."""
    listener = await bind(SocketAddress("127.0.0.1", 0), protocol, 1 if grown else count)
    listener = more(listener, protocol, count)
    counts = await spread(listener) if protocol == "http" else spread_datagrams(listener)
    assert len(counts) == count
    assert sum(counts) == CLIENTS
    share = 1 / count
    slack = 10 * (CLIENTS * share * (1 - share)) ** 0.5
    assert all(abs(one - CLIENTS * share) < slack for one in counts), counts
    assert min(counts) > 0
    listener.close()


@pytest.mark.parametrize("workers", range(1, 7))
@pytest.mark.parametrize("count", range(1, 7))
async def test_every_socket_has_somebody(count: int, workers: int) -> None:
    """However many sockets and workers there are; every worker has one of each local address, and none is shared
    without need."""
    listener = await bind(SocketAddress("", free_port()), "http", count)
    shares = [listener.share(worker, workers) for worker in range(workers)]
    for group in listener.groups:
        having = [sum(one is socket for share in shares for one in share) for socket in group]
        assert min(having) >= 1
        assert max(having) == max(1, -(-workers // count))
        for share in shares:
            assert any(one in group for one in share)
    listener.close()


async def test_with_equal_numbers_each_has_its_own() -> None:
    """Socket *i* is that of worker *i*, so a replacement gets the queue of the one before."""
    listener = await bind(SocketAddress("127.0.0.1", 0), "http", 4)
    assert [listener.share(worker, 4) for worker in range(4)] == [[one] for one in listener.sockets]
    listener.close()


# More of them...


@pytest.mark.parametrize("protocol", ["http", "udp"])
async def test_more(protocol: str) -> None:
    """Those there are stay the same, in the same places; fewer are no change."""
    listener = await bind(SocketAddress("", free_port()), protocol, 2)
    grown = more(listener, protocol, 4)
    assert [len(group) for group in grown.groups] == [4, 4]
    for before, after in zip(listener.groups, grown.groups, strict=True):
        assert after[:2] == before
        assert len({one.getsockname() for one in after}) == 1
    assert more(grown, protocol, 1).groups == grown.groups
    grown.close()


async def test_more_is_not_possible() -> None:
    """A group that the kernel lets nobody join, because its user is another one for example, stays as it is. Here a
    stranger shares the address in the older way."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    inherited, stranger = sockets
    inherited.bind(("127.0.0.1", 0))
    stranger.bind(inherited.getsockname())
    grown = more(adopt(SocketAddress("127.0.0.1", 0), [inherited]), "udp", 3)
    assert grown.groups == ((inherited,),)
    grown.close()
    stranger.close()


# Sockets of another process...


async def test_adopting() -> None:
    """They are grouped by what they are bound to, in their order, and made ready to be polled."""
    first = await bind(SocketAddress("", free_port()), "http", 3)
    mixed = [one.dup() for trio in zip(*first.groups, strict=True) for one in trio]
    for one in mixed:
        one.setblocking(True)
    adopted = adopt(first.address, mixed)
    assert sorted(adopted.addresses) == sorted(first.addresses)
    assert [[identity(one.fileno()) for one in group] for group in adopted.groups] == [
        [identity(one.fileno()) for one in group] for group in first.groups
    ]
    assert not any(one.getblocking() for one in adopted.sockets)
    first.close()
    adopted.close()


async def test_an_adopted_file(tmp_path: Path) -> None:
    """Belongs to whoever bound it until it is said to be ours."""
    path = tmp_path / "web.sock"
    first = await bind(SocketAddress(path=str(path)))
    adopted = adopt(first.address, [one.dup() for one in first.sockets])
    adopted.close()
    assert path.exists()
    adopted = owned(adopt(first.address, [one.dup() for one in first.sockets]))
    adopted.close()
    assert not path.exists()
    first.close()


async def test_owning_what_has_no_file(tmp_path: Path) -> None:
    """Is possible: an address, or a file that somebody has removed."""
    listener = await bind(SocketAddress("127.0.0.1", 0))
    assert owned(listener).node == 0
    listener.close()
    listener = await bind(SocketAddress(path=str(tmp_path / "web.sock")))
    os.unlink(tmp_path / "web.sock")
    assert owned(listener).node == 0
    listener.close()


# Closing...


async def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    """One that has taken the place of ours."""
    path = tmp_path / "web.sock"
    ours = await bind(SocketAddress(path=str(path)))
    os.unlink(path)
    theirs = await bind(SocketAddress(path=str(path)))
    ours.close()
    assert path.exists()
    theirs.close()
    assert not path.exists()
    theirs.close()


async def test_a_file_that_another_process_goes_on_with_stays(tmp_path: Path) -> None:
    """After an upgrade."""
    path = tmp_path / "web.sock"
    listener = await bind(SocketAddress(path=str(path)))
    listener.close(unlink=False)
    assert path.exists()


# Names...


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"address": ":80"}, "tcp :80"),
        ({"address": "127.0.0.1:80", "protocol": "tcp"}, "tcp 127.0.0.1:80"),
        ({"address": "[::1]:53", "protocol": "udp"}, "udp [::1]:53"),
        ({"address": "unix:/run/a.sock"}, "tcp unix:/run/a.sock"),
        ({"address": "127.0.0.1:0"}, "tcp 127.0.0.1:0 web"),
    ],
)
def test_keys(options: dict[str, str], key: str) -> None:
    """The address as written and what is transported: what does not depend on the entrypoint's name can move to
    another one. Any free port is one of this entrypoint only."""
    assert key_of("web", Entrypoint.model_validate(options)) == key
