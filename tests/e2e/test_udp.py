"""UDP through the gateway: sessions, their ends, endpoints that go away, reloads."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from a3sgw import load_config
from a3sgw.control.messages import EndpointDrain, EndpointHealth
from a3sgw.entrypoints.udp import UdpEntrypoint
from a3sgw.observe.datagrams import DatagramMetrics
from tests.support.datagrams import Asker, Speaker
from tests.support.gateway import Running, gateway
from tests.support.live import until


def config(
    *servers: str, entrypoint: str = "", balancer: str = "", more: str = "", address: str = "127.0.0.1:0"
) -> str:
    """HCL with one UDP entrypoint, one router and one service."""
    listed = ", ".join(f'{{ url = "{server}" }}' for server in servers)
    return f"""
    shutdown_timeout_secs = 2
    entrypoints "dns" {{
      address  = "{address}"
      protocol = "udp"
      {entrypoint}
    }}
    routers "dns" {{
      entrypoints = ["dns"]
      service     = "dns"
    }}
    services "dns" {{
      load_balancer {{
        servers = [{listed}]
        {balancer}
      }}
    }}
    {more}
    """


def client(running: Running, index: int = 0) -> Asker:
    """Somebody who talks to the entrypoint."""
    return Asker(running.gateway.addresses["dns"][index])


def counts(running: Running) -> dict[str, Any]:
    """The UDP counters of the route."""
    found = running.gateway.metrics().totals()["datagrams"]
    assert len(found) <= 1
    return dict(found[0] if found else DatagramMetrics().data())


def sessions(running: Running) -> UdpEntrypoint:
    """The entrypoint."""
    found = running.gateway._plane.entrypoints["dns"]
    assert isinstance(found, UdpEntrypoint)
    return found


async def test_there_and_back() -> None:
    """What a client sends goes to the endpoint from one port of its own, and replies come back; both are counted and
    logged."""
    async with Speaker("a") as speaker, gateway(config(speaker.url)) as running:
        with client(running) as one, client(running) as other:
            assert await one.ask(b"1") == b"a 1"
            assert await one.ask(b"22") == b"a 22"
            assert await other.ask(b"3") == b"a 3"
        ports = [address[1] for _, address in speaker.heard]
        assert ports[0] == ports[1] != ports[2]
        found = counts(running)
        assert (found["open"], found["opened"]) == (2, 2)
        assert (found["received"], found["received_bytes"], found["sent"], found["sent_bytes"]) == (3, 4, 3, 10)
        assert found["dropped"] == {}
    assert sorted((one["received"], one["sent"], one["endpoint"]) for one in running.records) == [
        (1, 3, speaker.url),
        (3, 7, speaker.url),
    ]
    first = running.records[0]
    shown = ("method", "protocol", "status", "router", "service", "entrypoint", "client_ip", "error", "attempts")
    assert [first[key] for key in shown] == ["UDP", "UDP", 0, "dns", "dns", "dns", "127.0.0.1", "", 1]
    assert 0 < first["upstream_ms"] <= first["duration_ms"]


@pytest.mark.parametrize("size", [0, 1, 1472, 1473, 9000, 65507])
async def test_sizes(size: int) -> None:
    """Empty datagrams and the longest ones pass whole, both ways."""
    data = bytes(range(256)) * 256
    async with Speaker(answer=lambda data: [data]) as speaker, gateway(config(speaker.url)) as running:
        with client(running) as one:
            assert await one.ask(data[:size]) == data[:size]
        assert speaker.heard[0][0] == data[:size]
        assert counts(running)["dropped"] == {}


async def test_many_clients() -> None:
    """Five hundred at once: each gets its own answers and nobody else's."""
    async with Speaker(answer=lambda data: [data, data]) as speaker, gateway(config(speaker.url)) as running:
        clients = [client(running) for _ in range(500)]

        async def talk(one: Asker, number: int) -> None:
            for turn in range(3):
                said = f"{number} {turn}".encode()
                assert await one.ask(said) == said
                assert await one.receive() == said

        for start in range(0, 500, 100):
            await asyncio.gather(*(talk(one, start + at) for at, one in enumerate(clients[start : start + 100])))
        assert counts(running)["open"] == 500
        for one in clients:
            one.__exit__(None, None, None)


async def test_unasked() -> None:
    """The endpoint may say as much as it likes, whenever it likes."""
    async with Speaker(answer=lambda data: []) as speaker, gateway(config(speaker.url)) as running:
        with client(running) as one:
            one.send(b"hello")
            (_, address), *_ = await speaker.hears()
            for number in range(100):
                speaker.say(b"%d" % number, address)
            assert [await one.receive() for _ in range(100)] == [b"%d" % number for number in range(100)]
            speaker.say(b"x" * 2000, address)
            speaker.say(b"y" * 2000, address)
            assert [await one.receive() for _ in range(2)] == [b"x" * 2000, b"y" * 2000]


async def test_balancing() -> None:
    """Sessions are shared out, datagrams of one session are not."""
    async with Speaker("a") as first, Speaker("b") as second, gateway(config(first.url, second.url)) as running:
        found: Counter[bytes] = Counter()
        for _ in range(4):
            with client(running) as one:
                said = {await one.ask(b"") for _ in range(3)}
                assert len(said) == 1
                found.update(said)
        assert found == {b"a ": 2, b"b ": 2}


async def test_by_address() -> None:
    """With sticky mode ip, one host has one endpoint, whichever ports it uses."""
    async with Speaker("a") as first, Speaker("b") as second:
        text = config(first.url, second.url, balancer='sticky { mode = "ip" }')
        async with gateway(text) as running:
            said = set()
            for _ in range(6):
                with client(running) as one:
                    said.add(await one.ask(b""))
            assert len(said) == 1


async def test_silence_ends_a_session() -> None:
    """After the time the operator gives; the next datagram begins another session."""
    text = 'udp_session_timeout_secs = "50ms"'
    async with Speaker("a") as speaker, gateway(config(speaker.url, entrypoint=text)) as running:
        with client(running) as one:
            await one.ask(b"1")
            await until(lambda: counts(running)["open"] == 0, "the session has ended")
            assert counts(running)["ended"] == {"idle": 1}
            await one.ask(b"2")
        assert speaker.heard[0][1] != speaker.heard[1][1]
        assert counts(running)["opened"] == 2


async def test_the_one_silent_for_longest_has_to_go() -> None:
    """Where there are as many sessions as there may be; what was heard of later stays, in either direction."""
    speaker = Speaker("a", answer=lambda data: [b"a " + data] if data != b"again" else [])
    async with speaker, gateway(config(speaker.url, entrypoint="udp_max_sessions = 3")) as running:
        with client(running) as one, client(running) as two, client(running) as three, client(running) as four:
            for number, asker in enumerate((one, two, three)):
                await asker.ask(b"%d" % number)
            one.send(b"again")
            await speaker.hears(4)
            speaker.say(b"unasked", speaker.heard[1][1])
            assert await two.receive() == b"unasked"
            await four.ask(b"4")
            assert {session.address[1] for session in sessions(running).gate.order} == {one.port, two.port, four.port}
            assert counts(running)["ended"] == {"evicted": 1}
            assert await three.ask(b"back") == b"a back"
            assert len(sessions(running).gate.connections) == 3
            less = load_config(config(speaker.url, entrypoint="udp_max_sessions = 1"))
            await running.gateway.reload(less)
            assert [one.address[1] for one in sessions(running).gate.order] == [three.port]
    assert "evicted" in {one["error"] for one in running.records}


async def test_an_endpoint_that_is_not_there() -> None:
    """What the kernel hears of it moves the session: the client's next datagram is answered by the other one."""
    gone = Speaker("gone")
    gone.close()
    async with Speaker("a") as speaker, gateway(config(gone.url, speaker.url)) as running:
        with client(running) as one, client(running) as two:
            assert await one.asks(b"1") == b"a 1"
            assert await two.asks(b"2") == b"a 2"
        assert counts(running)["opened"] == 2
    assert sorted(one["attempts"] for one in running.records) == [1, 2]


async def test_an_endpoint_that_goes_away() -> None:
    """The same in the middle of a session, and it counts against the endpoint that went."""
    passive = "passive_health_check { max_failed_attempts = 1 }"
    async with (
        Speaker("a") as first,
        Speaker("b") as second,
        gateway(config(first.url, second.url, balancer=passive)) as running,
    ):
        with client(running) as one:
            assert await one.ask(b"1") == b"a 1"
            first.close()
            assert await one.asks(b"2") == b"b 2"
            service = running.gateway._plane.snapshot.services["dns"]  # type: ignore[union-attr]
            await until(lambda: service.endpoints[0].ejected_until, "it is left out")
            for _ in range(4):
                with client(running) as another:
                    assert await another.ask(b"3") == b"b 3"


async def test_what_has_not_been_sent_is_not_lost() -> None:
    """The datagram with which the kernel says that the one before did not arrive goes to the other endpoint."""
    async with Speaker("a") as first, Speaker("b") as second, gateway(config(first.url, second.url)) as running:
        with client(running) as one:
            assert await one.ask(b"1") == b"a 1"
            first.close()
            one.send(b"2")
            one.send(b"3")
            assert await one.receive() == b"b 3"
        assert counts(running)["received"] == 3


async def test_nobody_is_there() -> None:
    """Datagrams are dropped and counted, each client can try again, and nothing is left behind."""
    gone = Speaker("gone")
    gone.close()
    async with gateway(config(gone.url)) as running:
        with client(running) as one:
            for number in range(1, 4):
                one.send(b"1")
                await until(lambda: sum(counts(running)["ended"].values()) == number, "it has ended")  # noqa: B023
        assert counts(running)["ended"].keys() == {"unreachable"}
        assert not sessions(running).gate.order
        assert running.gateway._plane.in_flight() == {}


async def test_no_usable_endpoint() -> None:
    """The same where it is known already, without a socket."""
    async with Speaker("a") as speaker, gateway(config(speaker.url)) as running:
        running.gateway._plane.take(EndpointHealth("dns", speaker.url, "unhealthy"))
        with client(running) as one:
            one.send(b"1")
            await until(lambda: counts(running)["dropped"] == {"no_endpoint": 1}, "it is dropped")
            running.gateway._plane.take(EndpointHealth("dns", speaker.url, "healthy"))
            assert await one.ask(b"2") == b"a 2"
    assert "no endpoint can be used" in running.records[0]["error"]


@pytest.mark.parametrize("how", ["unhealthy", "draining", "removed"])
async def test_sessions_move(how: str) -> None:
    """When its endpoint is to get no more, a session goes on at another one with the next datagram."""
    async with Speaker("a") as first, Speaker("b") as second, gateway(config(first.url, second.url)) as running:
        with client(running) as one, client(running) as two:
            assert (await one.ask(b"1"), await two.ask(b"1")) == (b"a 1", b"b 1")
            if how == "unhealthy":
                running.gateway._plane.take(EndpointHealth("dns", first.url, "unhealthy"))
            elif how == "draining":
                running.gateway._plane.take(EndpointDrain("dns", first.url, True, 0.0))
            else:
                await running.gateway.reload(load_config(config(second.url)))
            assert (await one.ask(b"2"), await two.ask(b"2")) == (b"b 2", b"b 2")
            stayed = [address for data, address in second.heard]
            assert (stayed[0] == stayed[2]) is (how != "removed")
        assert counts(running)["ended"] == {"moved": 2 if how == "removed" else 1}


async def test_reload_keeps_what_is_the_same() -> None:
    """A session on an unchanged route goes on with its endpoint, through the same socket."""
    async with Speaker("a") as speaker, gateway(config(speaker.url)) as running:
        with client(running) as one:
            await one.ask(b"1")
            more = 'services "other" { load_balancer { servers = [{ url = "udp://127.0.0.1:9" }] } }'
            changed = config(speaker.url, more=more, entrypoint='udp_session_timeout_secs = "9s"')
            await running.gateway.reload(load_config(changed))
            await one.ask(b"2")
            assert speaker.heard[0][1] == speaker.heard[1][1]
            assert counts(running)["opened"] == 1


async def test_reload_changes_the_way() -> None:
    """After the route has changed, what the old endpoint still owes comes, and what is new goes the new way."""
    async with (
        Speaker("a", answer=lambda data: []) as old,
        Speaker("b") as new,
        gateway(config(old.url)) as running,
    ):
        with client(running) as one:
            one.send(b"1")
            await old.hears()
            text = config(new.url).replace('services "dns"', 'services "new"').replace('= "dns"\n', '= "new"\n')
            await running.gateway.reload(load_config(text))
            old.say(b"late", old.heard[0][1])
            assert await one.receive() == b"late"
            assert await one.ask(b"2") == b"b 2"


async def test_an_entrypoint_goes() -> None:
    """Its sessions still get the reply they wait for, from the same address; then there is nobody."""
    async with Speaker(answer=lambda data: []) as speaker, gateway(config(speaker.url)) as running:
        with client(running) as waits, client(running) as idle:
            waits.send(b"1")
            await speaker.hears()
            idle.send(b"2")
            await speaker.hears(2)
            speaker.say(b"hello", speaker.heard[1][1])
            assert await idle.receive() == b"hello"
            await running.gateway.reload(load_config('entrypoints "web" { address = "127.0.0.1:0" }'))
            speaker.say(b"in time", speaker.heard[0][1])
            assert await waits.receive() == b"in time"
            await until(lambda: not running.gateway._plane._leaving, "it has gone")
            waits.send(b"3")
            with pytest.raises(ConnectionRefusedError):
                await waits.receive()


async def test_the_end_waits_a_second_at_most() -> None:
    """Where an answer may never come, and not at all where none is awaited."""
    async with Speaker(answer=lambda data: []) as speaker:
        loop = asyncio.get_running_loop()
        async with gateway(config(speaker.url).replace("timeout_secs = 2", "timeout_secs = 60")) as running:
            with client(running) as one:
                one.send(b"1")
                await speaker.hears()
            began = loop.time()
        assert 0.8 < loop.time() - began < 10
    assert [one["error"] for one in running.records] == [""]


@pytest.mark.parametrize("address", ["127.0.0.2", "127.0.0.3"])
async def test_from_where_replies_come(address: str) -> None:
    """On an entrypoint that is bound to all addresses, from the one that the client has sent to."""
    async with Speaker("a") as speaker, gateway(config(speaker.url, address="0.0.0.0:0")) as running:
        port = running.gateway.addresses["dns"][0].rpartition(":")[2]
        with Asker(f"{address}:{port}") as one:  # it hears nobody else
            assert await one.ask(b"1") == b"a 1"
            assert await one.ask(b"2") == b"a 2"
        assert counts(running)["opened"] == 1


async def test_ipv6() -> None:
    """All addresses of both kinds, and from one kind to the other; a datagram too long for IPv4 is dropped and
    counted."""
    async with Speaker("a", host="::1") as six, Speaker("b") as four:
        text = config(six.url, address=":0")
        async with gateway(text) as running:
            ports = {one.rpartition(":")[0]: one.rpartition(":")[2] for one in running.gateway.addresses["dns"]}
            with Asker(f"[::1]:{ports['[::]']}") as one, Asker(f"127.0.0.1:{ports['0.0.0.0']}") as other:
                assert await one.ask(b"1") == b"a 1"
                assert await other.ask(b"2") == b"a 2"
                await running.gateway.reload(load_config(config(four.url, address=":0")))
                assert await one.ask(b"3") == b"b 3"
                one.send(bytes(65527))
                await until(lambda: counts(running)["dropped"] == {"too_long": 1}, "it is dropped")
                assert await one.ask(b"4") == b"b 4"


async def test_a_filter() -> None:
    """A `tcp-filter` looks at new sessions, by address and by number, on the entrypoint and on the router."""
    more = """
    middlewares "elsewhere" {
      type        = "tcp-filter"
      allowed_ips = ["192.0.2.0/24"]
    }
    middlewares "one" {
      type                   = "tcp-filter"
      max_connections_per_ip = 1
    }
    """
    async with Speaker("a") as speaker:
        one_each = config(speaker.url, entrypoint='middlewares = ["one"]', more=more)
        async with gateway(one_each) as running:
            with client(running) as one, client(running) as two:
                await one.ask(b"1")
                two.send(b"2")
                await until(lambda: counts(running)["dropped"] == {"filter": 1}, "it is dropped")
                nobody = config(speaker.url, more=more).replace(
                    '"dns"\n    }', '"dns"\n middlewares = ["elsewhere"]\n }'
                )
                await running.gateway.reload(load_config(nobody))
                with client(running) as three:
                    three.send(b"3")
                    await until(lambda: counts(running)["dropped"] == {"filter": 2}, "it is dropped")
        assert [data for data, _ in speaker.heard] == [b"1"]


async def test_a_name() -> None:
    """One that the system looks up: what comes meanwhile waits."""
    async with Speaker("a") as speaker, gateway(config(f"udp://localhost:{speaker.port}")) as running:
        with client(running) as one:
            for number in range(5):
                one.send(b"%d" % number)
            assert [await one.receive() for _ in range(5)] == [b"a %d" % number for number in range(5)]


async def test_no_router() -> None:
    """An entrypoint without a router drops everything, and says so."""
    text = 'entrypoints "dns" {\n address = "127.0.0.1:0"\n protocol = "udp"\n}'
    async with gateway(text) as running:
        with client(running) as one:
            one.send(b"1")
            await until(lambda: counts(running)["dropped"] == {"no_router": 1}, "it is dropped")


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """This process may open so many more descriptors."""
    fill: list[int] = []
    try:
        top = max(map(int, os.listdir("/proc/self/fd")))
        while not fill or fill[-1] <= top:  # those below are no holes any more
            fill.append(os.open("/dev/null", os.O_RDONLY))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (fill[-1] + 1 + count, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in fill:
            os.close(one)


async def test_no_more_sockets() -> None:
    """The oldest session makes room; that is no fault of an endpoint. Where there is none, the client is refused and
    may come again."""
    async with Speaker("a") as speaker:
        text = config(speaker.url, balancer="passive_health_check { max_failed_attempts = 1 }")
        async with gateway(text) as running:
            with client(running) as one, client(running) as two:
                with room_for(0):
                    one.send(b"0")
                    await until(lambda: counts(running)["dropped"] == {"no_endpoint": 1}, "it is refused")
                with room_for(1):
                    assert await one.ask(b"1") == b"a 1"
                    assert await two.ask(b"2") == b"a 2"
                    assert counts(running)["ended"] == {"no_socket": 1, "evicted": 1}
                    assert await one.ask(b"3") == b"a 3"
            assert running.gateway._plane.in_flight() == {"dns": {speaker.url: 1}}
    assert sorted((one["error"], one["attempts"]) for one in running.records) == [
        ("", 1),
        ("evicted", 1),
        ("evicted", 1),
        ("no more sockets", 1),
    ]


async def test_other_errors_of_the_network() -> None:
    """A host that cannot be reached at all is passed over at once, before anything is sent."""
    async with Speaker("a") as speaker, gateway(config("udp://255.255.255.255:9", speaker.url)) as running:
        with client(running) as one, client(running) as two:
            assert await one.ask(b"1") == b"a 1"
            assert await two.ask(b"2") == b"a 2"


async def test_a_name_that_leads_nowhere() -> None:
    """It counts as an endpoint that cannot be reached; what has waited goes to the next one."""
    server = f'{{ url = "udp://{"a" * 64}.invalid:9", resolve = "system" }}'
    async with Speaker("a") as speaker:
        text = config(speaker.url).replace("servers = [", f"servers = [{server}, ")
        async with gateway(text) as running:
            with client(running) as one, client(running) as two:
                assert await one.ask(b"1") == b"a 1"
                assert await two.ask(b"2") == b"a 2"


async def test_failing_over() -> None:
    """A service's failover and its limits hold for sessions as well."""
    async with Speaker("a") as first, Speaker("b") as second:
        more = f"""
        services "backup" {{
          load_balancer {{ servers = [{{ url = "{second.url}" }}] }}
        }}
        """
        text = config(first.url, balancer="max_connections = 1", more=more)
        text = text.replace('services "dns" {', 'services "dns" {\n failover { service = "backup" }\n')
        async with gateway(text) as running:
            with client(running) as one, client(running) as two:
                assert await one.ask(b"1") == b"a 1"
                assert await two.ask(b"1") == b"b 1"
