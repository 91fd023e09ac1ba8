"""Names become addresses, asked of a real name server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from a3sgw.resolver import Answer, ResolveError, Resolver, Services
from tests.support.dns import NameServer


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    """A name server that knows nothing yet."""
    made = NameServer()
    yield made
    made.close()


@pytest.fixture
async def resolver(server: NameServer) -> AsyncIterator[Resolver]:
    """One that asks that server, and does not ask twice."""
    made = Resolver([await server.open()], timeout=0.3, tries=1)
    yield made
    await made.close()


def sorted_answer(answer: Answer) -> tuple[list[str], float]:
    """The order of addresses says nothing."""
    return sorted(answer.addresses), answer.ttl


async def test_all_addresses_are_found(server: NameServer, resolver: Resolver) -> None:
    """A and AAAA records alike, with the shortest of their times."""
    server.zone["a.example"] = [("A", 60, "127.0.0.2"), ("A", 60, "127.0.0.3"), ("AAAA", 30, "::1")]
    assert sorted_answer(await resolver.addresses("a.example.")) == (["127.0.0.2", "127.0.0.3", "::1"], 30)


async def test_an_alias_holds_as_long_as_its_shortest_part(server: NameServer, resolver: Resolver) -> None:
    """Where a CNAME is about to move, the time of the address says nothing."""
    server.zone["a.example"] = [("CNAME", 5, "b.example")]
    server.zone["b.example"] = [("A", 300, "127.0.0.2")]
    assert sorted_answer(await resolver.addresses("a.example.")) == (["127.0.0.2"], 5)


async def test_addresses_without_a_route_are_left_out(server: NameServer, resolver: Resolver) -> None:
    """An address this machine cannot reach is no endpoint, unless there is nothing else."""
    blackhole = "::ffff:255.255.255.255"  # no machine has a route to broadcast for an ordinary socket
    server.zone["a.example"] = [("A", 60, "127.0.0.2"), ("AAAA", 60, blackhole)]
    server.zone["b.example"] = [("AAAA", 60, blackhole)]
    assert (await resolver.addresses("a.example.")).addresses == ("127.0.0.2",)
    assert (await resolver.addresses("b.example.")).addresses == (blackhole,)


async def test_the_hosts_file_is_read(server: NameServer, resolver: Resolver) -> None:
    """A name in it is not asked for, and has no time."""
    assert "127.0.0.1" in (await resolver.addresses("localhost")).addresses
    assert (await resolver.addresses("localhost")).ttl == 0
    assert server.asked == []


async def test_an_unknown_name_is_told_from_silence(server: NameServer, resolver: Resolver) -> None:
    """No such name and no such record are answers; failure and silence are none."""
    server.zone["empty.example"] = []
    for name in ("none.example.", "empty.example.", "a..example"):
        with pytest.raises(ResolveError, match=f'cannot resolve "{name}"') as caught:
            await resolver.addresses(name)
        assert caught.value.unknown, name
    for failure in (2, 5, None):
        server.failure = failure
        with pytest.raises(ResolveError) as caught:
            await resolver.addresses(f"a{failure}.example.")
        assert not caught.value.unknown, failure


async def test_nobody_listening_is_no_answer() -> None:
    """A name server that is down says nothing about names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    resolver = Resolver([address], timeout=0.3, tries=1)
    with pytest.raises(ResolveError) as caught:
        await resolver.addresses("a.example.")
    await resolver.close()
    assert not caught.value.unknown


async def test_services_of_the_lowest_priority(server: NameServer, resolver: Resolver) -> None:
    """Each address of each host, with the record's port and weight, for the shortest time."""
    server.zone["_http._tcp.a.example"] = [
        ("SRV", 60, "1 5 8080 one.example"),
        ("SRV", 60, "1 0 8081 two.example"),
        ("SRV", 60, "1 9 8082 gone.example"),
        ("SRV", 60, "2 5 8083 three.example"),
    ]
    server.zone["one.example"] = [("A", 20, "127.0.0.2"), ("A", 20, "127.0.0.3")]
    server.zone["two.example"] = [("A", 90, "127.0.0.4")]
    answer = await resolver.services("_http._tcp.a.example.")
    assert sorted(answer.found) == [("127.0.0.2", 8080, 5), ("127.0.0.3", 8080, 5), ("127.0.0.4", 8081, 1)]
    assert answer.ttl == 20
    assert ("three.example", "A") not in server.asked


async def test_services_without_weights_are_equal(server: NameServer, resolver: Resolver) -> None:
    """Then what is configured holds."""
    server.zone["_http._tcp.a.example"] = [("SRV", 60, "1 0 8080 one.example")]
    server.zone["one.example"] = [("A", 20, "127.0.0.2")]
    assert await resolver.services("_http._tcp.a.example.") == Services((("127.0.0.2", 8080, 0),), 20)


async def test_services_that_are_not_there(server: NameServer, resolver: Resolver) -> None:
    """Not offered (a dot), no record, and hosts that do not exist are answers; a host nobody can tell about is none."""
    server.zone["_no._tcp.a.example"] = [("SRV", 60, "0 0 0 .")]
    server.zone["_gone._tcp.a.example"] = [("SRV", 60, "0 0 80 gone.example")]
    for name in ("_no._tcp.a.example.", "_none._tcp.a.example.", "_gone._tcp.a.example."):
        with pytest.raises(ResolveError) as caught:
            await resolver.services(name)
        assert caught.value.unknown, name
    server.zone["_half._tcp.a.example"] = [("SRV", 60, "0 0 80 here.example"), ("SRV", 60, "0 0 80 broken.example")]
    server.zone["here.example"] = [("A", 60, "127.0.0.2")]
    server.broken.add("broken.example")
    with pytest.raises(ResolveError) as caught:
        await resolver.services("_half._tcp.a.example.")
    assert not caught.value.unknown


async def test_closing_ends_open_questions(server: NameServer, resolver: Resolver) -> None:
    """Whoever waits gets an error instead of waiting on."""
    server.failure = None
    question = asyncio.ensure_future(resolver.addresses("a.example."))  # noqa: TID251 -- nothing is to be logged
    await server.asked_more(1)
    await resolver.close()
    with pytest.raises(ResolveError):
        await question
