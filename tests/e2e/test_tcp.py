"""TCP routers on real sockets: who gets a connection, what is passed on, and how it ends."""

# ruff: noqa: SIM117 - first there is a server, then a gateway that knows its address

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path
from typing import cast

import pytest

from a3sgw import load_config
from a3sgw.proxy_protocol import Header, encode_v1, encode_v2, parse
from a3sgw.unsent import unsent
from tests.support.echo import Echo
from tests.support.gateway import Running, gateway
from tests.support.live import until
from tests.support.tcp import TcpServer
from tests.support.tls import Authority, connect
from tests.support.wire import Wire


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that the gateway's certificates come from."""
    return Authority(tmp_path)


def entrypoint(more: str = "", protocol: str = "tcp") -> str:
    """One entrypoint, called web."""
    options = f'address = "127.0.0.1:0"\nprotocol = "{protocol}"\n{more}'
    return f'shutdown_timeout_secs = 1\nentrypoints "web" {{\n{options}\n}}\n'


def router(name: str, rule: str, server: TcpServer | str, more: str = "", balancer: str = "") -> str:
    """A router with a service of its own; the server may be a URL."""
    url = server if isinstance(server, str) else server.url
    return f"""
    routers "{name}" {{
      rule        = "{rule}"
      service     = "{name}"
      entrypoints = ["web"]
      {more}
    }}
    services "{name}" {{
      load_balancer {{
        servers = [{{ url = "{url}" }}]
        {balancer}
      }}
    }}
    """


PASS = "tls { passthrough = true }"


async def test_bytes_go_both_ways() -> None:
    """What a client says the endpoint hears, and the other way round, without a byte more or less."""
    async with TcpServer() as server, gateway(entrypoint() + router("all", "HostSNI(`*`)", server)) as running:
        wire = await running.connect()
        data, url = bytes(range(256)) * 4000, server.url
        answer, _ = await asyncio.gather(wire.read(len(data)), wire.send(data))
        assert answer == data
        assert server.heard == [data]
        wire.close()
    record = running.records[0]
    assert (record["method"], record["received"], record["sent"]) == ("TCP", len(data), len(data))
    assert (record["router"], record["endpoint"], record["status"], record["error"]) == ("all", url, 0, "")


async def test_servers_that_speak_first() -> None:
    """Without TLS routers nobody waits for the client to say something."""
    async with TcpServer(greeting=b"220 ready\r\n") as server:
        async with gateway(entrypoint() + router("all", "HostSNI(`*`)", server)) as running:
            wire = await running.connect()
            assert await wire.until(b"\n") == b"220 ready\r\n"


async def test_half_closed_by_the_client() -> None:
    """T-37: A client that has said everything still hears the rest."""
    async with TcpServer(name=b"> ") as server:
        async with gateway(entrypoint() + router("all", "HostSNI(`*`)", server)) as running:
            wire = await running.connect()
            await wire.send(b"hello")
            wire.half_close()
            assert await wire.end() == (b"> hellobye", "FIN")


async def test_the_rest_has_an_end() -> None:
    """An endpoint that never ends after the client has is not waited for longer than `termination_delay`."""
    heard: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda reader, writer: heard.append(writer), "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    options = 'termination_delay = "100ms"'
    async with gateway(entrypoint() + router("all", "HostSNI(`*`)", url, balancer=options)) as running:
        wire = await running.connect()
        await wire.send(b"hello")
        wire.half_close()
        assert await wire.end() == (b"", "FIN")
    silent.close()
    heard[0].close()


async def test_a_reset_is_passed_on() -> None:
    """What breaks off on one side does not look like an end on the other."""
    async with TcpServer() as server, gateway(entrypoint() + router("all", "HostSNI(`*`)", server)) as running:
        wire = await running.connect()
        await wire.send(b"x")
        await wire.read(1)
        raw = server.writers[0].get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.writers[0].transport.abort()
        assert await wire.end() == (b"", "RST")
        assert await running.deserted()
    assert running.records[0]["error"] == "reset"


async def test_what_came_before_a_reset_arrives() -> None:
    """All that an endpoint has said before its connection broke reaches a client that reads slowly; then it breaks."""
    async with TcpServer() as server, gateway(entrypoint() + router("all", "HostSNI(`*`)", server)) as running:
        wire = await running.connect()
        await wire.send(b"x")
        await wire.read(1)
        server.writers[0].write(bytes(1 << 20))
        ended = running.gateway.metrics
        raw = server.writers[0].get_extra_info("socket")
        await until(lambda: unsent(cast(asyncio.Transport, server.writers[0].transport)) == 0, "the gateway has it all")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.writers[0].transport.abort()
        answer, how = await wire.end()
        assert (len(answer), how) == (1 << 20, "RST")
        assert ended().tcp("web", "all", "all").ended == {"reset": 1}


async def test_nobody_there() -> None:
    """An endpoint that cannot be reached closes the connection, is logged and counted; the next one is asked first."""
    async with TcpServer() as gone:
        url = gone.url
    async with gateway(entrypoint() + router("all", "HostSNI(`*`)", url)) as running:
        assert await (await running.connect()).end() == (b"", "FIN")
        assert running.gateway.metrics().tcp("web", "all", "all").ended == {"ConnectError": 1}
    assert running.records[0]["error"].startswith("ConnectError")
    async with TcpServer(greeting=b"hi") as server:
        two = router("all", "HostSNI(`*`)", f'{url}" }}, {{ url = "{server.url}')
        async with gateway(entrypoint() + two) as running:
            for _ in range(3):
                assert await (await running.connect()).read(2) == b"hi"


# Names...


async def test_passed_through_by_name(authority: Authority) -> None:
    """TLS is left to the endpoint that the name belongs to; a name that nobody has gets an alert."""
    async with (
        TcpServer(greeting=b"A", tls=authority.server("a.example")) as a,
        TcpServer(greeting=b"B", tls=authority.server("b.example")) as b,
        gateway(
            entrypoint()
            + router("a", "HostSNI(`a.example`)", a, PASS)
            + router("b", r"HostSNIRegexp(`^b\\.example$`) && ALPN(`x`)", b, PASS)
        ) as running,
    ):
        address = running.gateway.addresses["web"][0]
        for context, name, says in (
            (authority.client(), "a.example", b"A"),
            (authority.client("x", "y"), "b.example", b"B"),
        ):
            client = await connect(address, context, name)
            assert (client.names, await client.read(1)) == ([name], says)
            client.close()
        with pytest.raises(ssl.SSLError, match=r"unrecognized name|UNRECOGNIZED_NAME"):
            await connect(address, authority.client(), "b.example")
        assert running.gateway.metrics().entrypoint("web").data()["refused"] == {"no_route": 1}


async def test_ended_here(authority: Authority) -> None:
    """With `tls` on the entrypoint the endpoint gets what was inside of it, half-closed ends included."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    async with (
        TcpServer(name=b"> ") as server,
        gateway(entrypoint(tls) + router("all", "HostSNI(`a.example`)", server)) as running,
    ):
        client = await connect(running.gateway.addresses["web"][0], authority.client(), "a.example")
        await client.send(b"hello")
        assert await client.read(7) == b"> hello"
        assert server.heard == [b"hello"]
        client.close()


class Records:
    """A client with TLS that decides what becomes of each record."""

    def __init__(self, wire: Wire, context: ssl.SSLContext, name: str) -> None:
        self.wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    async def shake_hands(self) -> None:
        """Until the server has what it needs."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.wire.send(self._outgoing.read())
                self._incoming.write(await self.wire.more())
        await self.wire.send(self._outgoing.read())

    def record(self, data: bytes) -> bytes:
        """`data`, encrypted."""
        self._tls.write(data)
        return self._outgoing.read()

    def goodbye(self) -> bytes:
        """A close_notify."""
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.unwrap()
        return self._outgoing.read()


@pytest.mark.parametrize(
    ("how", "sees", "error"),
    [
        ("goodbye", "FIN", ""),
        ("end", "FIN", "no close_notify"),
        ("inside a record", "RST", "reset"),
        ("inside a later record", "RST", "reset"),
        ("bad record", "RST", "reset"),
    ],
)
async def test_how_tls_ends(authority: Authority, how: str, sees: str, error: str) -> None:
    """What is cut off does not look whole to the endpoint. A FIN between two records does, because many clients never
    say goodbye, but the log tells of it."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    heard: list[tuple[bytes, str]] = []
    came, over = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(5)
        came.set()
        try:
            heard.append((data + await reader.read(), "FIN"))
        except ConnectionResetError:
            heard.append((data, "RST"))
        writer.transport.abort()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with gateway(entrypoint(tls) + router("all", "HostSNI(`*`)", url)) as running:
        client = Records(await running.connect(), authority.client(), "a.example")
        await client.shake_hands()
        first = client.record(b"hello")
        if how == "inside a record":
            await client.wire.send(first)
            await came.wait()
            await client.wire.send(client.record(b"more")[:9])
        elif how == "inside a later record":
            await client.wire.send(first)
            await came.wait()
            await client.wire.send(client.record(b" and ") + client.record(b"more")[:9])
        elif how == "bad record":
            await client.wire.send(first)
            await came.wait()
            await client.wire.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        else:
            await client.wire.send(first + (client.goodbye() if how == "goodbye" else b""))
        client.wire.half_close()
        async with asyncio.timeout(5):
            await over.wait()
        assert heard == [(b"hello", sees)]
        assert await running.deserted()
    assert running.records[0]["error"] == error
    server.close()


async def test_how_tls_of_an_endpoint_ends(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """The end of an endpoint with TLS is passed on, without a warning of the event loop's."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.readexactly(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.server("localhost"))
    url = f"tcp://localhost:{server.sockets[0].getsockname()[1]}"
    trust = f'tls {{ ca_file = "{authority.file}" }}'
    async with gateway(entrypoint() + router("all", "HostSNI(`*`)", url, balancer=trust)) as running:
        wire = await running.connect()
        await wire.read(5)
        await wire.send(b"x")
        assert await wire.end() == (b"", "FIN")
        wire.close()
        assert await running.deserted()
    assert running.records[0]["error"] == ""
    assert "eof_received" not in caplog.text
    server.close()


async def test_goodbye_after_ours(authority: Authority) -> None:
    """A client that says goodbye after the endpoint has ended has not broken anything."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        assert await reader.read() == b"all"
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with gateway(entrypoint(tls) + router("all", "HostSNI(`*`)", url)) as running:
        client = Records(await running.connect(), authority.client(), "a.example")
        await client.shake_hands()
        await client.wire.end()
        await client.wire.send(client.record(b"all") + client.goodbye())
        async with asyncio.timeout(5):
            await ended.wait()
        assert await running.deserted()
    assert (running.records[0]["error"], running.records[0]["received"]) == ("", 3)
    server.close()


async def test_protocols_of_a_router(authority: Authority) -> None:
    """`alpn` of a TCP router is offered as it is written, whether the gateway speaks it or not."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    async with (
        TcpServer(greeting=b"hi") as server,
        gateway(entrypoint(tls) + router("all", "HostSNI(`*`)", server, 'tls { alpn = ["postgresql"] }')) as running,
    ):
        client = await connect(running.gateway.addresses["web"][0], authority.client("postgresql"), "a.example")
        assert client.tls.selected_alpn_protocol() == "postgresql"
        client.close()


async def test_one_port_for_all(authority: Authority) -> None:
    """HTTPS and TCP routers share a port in Traefik's order: names of HTTP, names of TCP, HTTP without names, and only
    then TCP without names."""
    tls = f"tls {{\n{authority.issue('web.example', 'both.example', 'db.example', 'other.example').hcl}\n}}"
    http = "".join(
        f'routers "{name}" {{\nrule = "{rule}"\nservice = "origin"\nentrypoints = ["web"]\n}}\n'
        for name, rule in (("named", "Host(`both.example`)"), ("any", "PathPrefix(`/any`)"))
    )
    async with (
        Echo("origin") as echo,
        TcpServer(greeting=b"T" * 500) as tcp,
        gateway(
            entrypoint(tls, "http")
            + http
            + f'services "origin" {{\nload_balancer {{ servers = [{{ url = "{echo.url}" }}] }}\n}}\n'
            + router("both", "HostSNI(`both.example`)", tcp)
            + router("db", "HostSNI(`db.example`)", tcp)
            + router("rest", "HostSNI(`*`)", tcp)
        ) as running,
    ):
        for name, path, found in (
            ("both.example", "/", 200),
            ("db.example", "/", "TCP"),
            ("other.example", "/any", 200),
            ("other.example", "/", 404),
        ):
            client = await connect(running.gateway.addresses["web"][0], authority.client(), name)
            if found == "TCP":
                assert await client.read(500) == b"T" * 500
            else:
                assert (await client.ask(name, path))[0] == found
            client.close()


async def test_with_and_without_tls(authority: Authority) -> None:
    """On one port connections with TLS go to one router, those without to another, one by one waited for."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    async with (
        TcpServer(name=b"tls ") as inside,
        TcpServer(name=b"plain ") as plain,
        gateway(
            entrypoint(tls)
            + router("tls", "HostSNI(`*`)", inside)
            + router("plain", "HostSNI(`*`)", plain, "tls { enabled = false }")
        ) as running,
    ):
        client = await connect(running.gateway.addresses["web"][0], authority.client(), "a.example")
        await client.send(b"x")
        assert await client.read(5) == b"tls x"
        client.close()
        wire = await running.connect()
        await wire.send(b"x")
        assert await wire.read(7) == b"plain x"


async def test_first_bytes_are_waited_for(authority: Authority) -> None:
    """Who says nothing where it has to be known whether TLS comes is given up in time; where there is a router for
    connections without TLS, that one gets it: the server may be the one who speaks first."""
    patience = 'read_header_timeout = "200ms"'
    async with (
        TcpServer(greeting=b"hi") as server,
        gateway(
            entrypoint(patience)
            + router("tls", "HostSNI(`a.example`)", server, PASS)
            + router("plain", "HostSNI(`*`)", server)
        ) as running,
    ):
        assert await (await running.connect()).read(2) == b"hi"
    async with TcpServer() as server:
        async with gateway(entrypoint(patience) + router("tls", "HostSNI(`a.example`)", server, PASS)) as running:
            assert (await (await running.connect()).end())[0] == b""
            assert running.gateway.metrics().entrypoint("web").data()["refused"] == {"too_slow": 1}


SSL_REQUEST = bytes.fromhex("0000000804d2162f")


async def test_postgresql_asks_in_its_own_way(authority: Authority) -> None:
    """An SSLRequest is granted, then the name in the handshake decides; the endpoint gets the plain protocol, or is
    asked in the same way when TLS is passed through."""
    tls = f"tls {{\n{authority.issue('a.example').hcl}\n}}"
    async with TcpServer(name=b"> ") as server:
        async with gateway(entrypoint(tls) + router("db", "HostSNI(`a.example`)", server)) as running:
            wire = await running.connect()
            await wire.send(SSL_REQUEST)
            assert await wire.read(1) == b"S"
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            transport, _ = await loop.create_connection(
                lambda: asyncio.StreamReaderProtocol(reader),
                sock=wire.socket,
                ssl=authority.client(),
                server_hostname="a.example",
            )
            transport.write(b"startup")
            assert await reader.readexactly(9) == b"> startup"
            assert server.heard == [b"startup"]
            server.writers[0].close()
            assert await reader.read() == b""
            transport.abort()
            await asyncio.sleep(0)


async def test_postgresql_passed_through() -> None:
    """The endpoint is sent an SSLRequest before the client's hello; one that says no closes the connection."""
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.readexactly(8))
        writer.write(b"S" if len(said) == 1 else b"N")
        said.append(await reader.read(3))
        writer.write(b"hello to you")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    hello = _hello("a.example")
    async with gateway(entrypoint() + router("db", "HostSNI(`a.example`)", url, PASS)) as running:
        wire = await running.connect()
        await wire.send(SSL_REQUEST)
        assert await wire.read(1) == b"S"
        await wire.send(hello)
        assert await wire.end() == (b"hello to you", "FIN")
        assert said == [SSL_REQUEST, hello[:3]]
        wire = await running.connect()
        await wire.send(SSL_REQUEST)
        await wire.read(1)
        await wire.send(hello)
        assert (await wire.end())[0] == b""
    server.close()


async def test_a_client_that_leaves_early() -> None:
    """Who resets its connection while the endpoint is still asked gives its place back at once."""
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        asked.set()
        await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with gateway(entrypoint() + router("db", "HostSNI(`a.example`)", url, PASS)) as running:
        wire = await running.connect()
        await wire.send(SSL_REQUEST)
        await wire.read(1)
        await wire.send(_hello("a.example"))
        async with asyncio.timeout(5):
            await asked.wait()
        wire.reset()
        await until(lambda: running.gateway.health()["entrypoints"]["web"]["connections"] == 0, "it has left", within=2)
    assert running.records[0]["error"] == "the client left"
    server.close()


async def test_bytes_behind_an_ssl_request() -> None:
    """They would be taken for something that came encrypted (CVE-2021-23214)."""
    async with TcpServer() as server:
        async with gateway(entrypoint() + router("db", "HostSNI(`a.example`)", server, PASS)) as running:
            wire = await running.connect()
            await wire.send(SSL_REQUEST + b"x")
            assert (await wire.end())[0] == b""
            assert server.heard == []


def _hello(name: str) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


# Who may come...


async def test_addresses_that_may_connect() -> None:
    """`tcp_allowed_ips` closes all others, on HTTP entrypoints too."""
    async with TcpServer(greeting=b"hi") as server, Echo("origin") as echo:
        for allowed, works in (("127.0.0.0/8", True), ("10.0.0.0/8", False)):
            option = f'tcp_allowed_ips = ["{allowed}"]'
            async with gateway(entrypoint(option) + router("all", "HostSNI(`*`)", server)) as running:
                assert (await (await running.connect()).more() == b"hi") == works
            async with gateway(entrypoint(option, "http") + router("all", "PathPrefix(`/`)", echo.url)) as running:
                wire = await running.connect()
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await wire.more())[:5] == (b"HTTP/" if works else b"")


async def test_who_is_gone_already_is_not_let_in() -> None:
    """A client that has reset its connection before anybody looked has no address, and so none that is allowed."""
    async with TcpServer() as server:
        option = 'tcp_allowed_ips = ["10.0.0.0/8"]'
        async with gateway(entrypoint(option) + router("all", "HostSNI(`*`)", server)) as running:
            for _ in range(20):
                host, _, port = running.gateway.addresses["web"][0].rpartition(":")
                raw = socket.create_connection((host, int(port)))  # blocks: the gateway cannot accept meanwhile
                raw.send(b"DROP TABLE users;")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raw.close()
            assert (await (await running.connect()).end())[0] == b""
            assert await running.deserted(within=5.0)
        assert server.heard == []


async def test_a_filter_of_one_router() -> None:
    """`tcp-filter` on a TCP router holds for its connections, and gives back what it has counted."""
    more = 'middlewares = ["few"]'
    few = 'middlewares "few" {\ntype = "tcp-filter"\nmax_connections = 1\n}\n'
    async with TcpServer(greeting=b"hi") as server:
        async with gateway(entrypoint() + router("all", "HostSNI(`*`)", server, more) + few) as running:
            first = await running.connect()
            assert await first.read(2) == b"hi"
            assert (await (await running.connect()).end())[0] == b""
            first.close()
            assert await running.deserted()
            assert await (await running.connect()).read(2) == b"hi"


async def test_most_connections() -> None:
    """`max_connections` of the entrypoint holds for TCP."""
    async with TcpServer(greeting=b"hi") as server:
        async with gateway(entrypoint("max_connections = 1") + router("all", "HostSNI(`*`)", server)) as running:
            first = await running.connect()
            assert await first.read(2) == b"hi"
            assert (await (await running.connect()).end())[0] == b""


# PROXY...


async def test_filters_look_at_whom_a_header_names() -> None:
    """A `tcp-filter` of the entrypoint goes by the client's address, not by that of the load balancer in front, also
    for clients that let the server speak first."""
    more = 'trusted_ips = ["127.0.0.1"]\nproxy_protocol = true\nmiddlewares = ["door"]\nread_header_timeout = "200ms"'
    door = 'middlewares "door" {\ntype = "tcp-filter"\nallowed_ips = ["192.0.2.0/24"]\nmax_connections_per_ip = 1\n}\n'
    async with TcpServer(greeting=b"hi") as server:
        async with gateway(entrypoint(more) + door + router("all", "HostSNI(`*`)", server)) as running:
            wires = [await running.connect() for _ in range(5)]
            clients = ["192.0.2.7", "192.0.2.8", "192.0.2.7", "203.0.113.7"]
            said = []
            for wire, client in zip(wires, clients, strict=False):
                await wire.send(encode_v2((client, 4711), ("198.51.100.1", 443)))
                said.append(await wire.more())
            assert said == [b"hi", b"hi", b"", b""]
            assert (await wires[4].end())[0] == b""  # no header in time, so its own address counts
            wires[0].close()
            await until(lambda: running.gateway.health()["entrypoints"]["web"]["connections"] == 1, "it is gone")
            again = await running.connect()
            await again.send(encode_v2((clients[0], 4712), ("198.51.100.1", 443)))
            assert await again.more() == b"hi"


@pytest.mark.parametrize("encode", [encode_v1, encode_v2])
async def test_proxy_header_received(encode: type) -> None:
    """What a trusted peer says of the client holds: in rules, and in the log."""
    more = 'trusted_ips = ["127.0.0.1"]\nproxy_protocol = true'
    async with TcpServer(greeting=b"hi") as server:
        async with gateway(entrypoint(more) + router("all", "ClientIP(`192.0.2.0/24`)", server)) as running:
            wire = await running.connect()
            await wire.send(encode(("192.0.2.7", 4711), ("198.51.100.1", 443)) + b"x")
            assert await wire.read(3) == b"hix"
            other = await running.connect()
            await other.send(encode(("203.0.113.7", 4711), ("198.51.100.1", 443)) + b"x")
            assert (await other.end())[0] == b""
            assert server.heard == [b"x"]
    assert running.records[0]["client_ip"] == "192.0.2.7"


async def test_proxy_header_on_http() -> None:
    """The endpoint of an HTTP request learns the client's address, in pieces of any size."""
    more = 'trusted_ips = ["127.0.0.1"]\nproxy_protocol = true'
    async with Echo("origin") as echo:
        async with gateway(entrypoint(more, "http") + router("all", "PathPrefix(`/`)", echo.url)) as running:
            for header in (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n", b"", b"PROXY UNKNOWN\r\n"):
                wire = await running.connect()
                for byte in header:
                    await wire.send(bytes([byte]))
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await wire.message()).status == 200
            told = [request.get(b"x-forwarded-for") for request in echo.requests]
            assert told == [b"192.0.2.7", b"127.0.0.1", b"127.0.0.1"]


@pytest.mark.parametrize(
    ("options", "data", "answered"),
    [
        ('trusted_ips = ["127.0.0.1"]\nproxy_protocol_required = true', b"", False),
        ('trusted_ips = ["127.0.0.1"]\nproxy_protocol_required = true', b"PROXY UNKNOWN\r\n", True),
        ('trusted_ips = ["192.0.2.7"]\nproxy_protocol_required = true', b"PROXY UNKNOWN\r\n", False),
        ("proxy_protocol = true", b"", True),
        ("proxy_protocol = true", b"PROXY UNKNOWN\r\n", False),
        ('trusted_ips = ["127.0.0.1"]\nproxy_protocol = true', b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", False),
        ("", b"PROXY UNKNOWN\r\n", False),
    ],
    ids=["required", "there", "not trusted", "optional", "from a stranger", "malformed", "not wanted"],
)
async def test_proxy_header_or_not(options: str, data: bytes, answered: bool) -> None:
    """Required means required; from those who are not trusted, and where nobody asked for it, it is not believed."""
    async with Echo("origin") as echo:
        async with gateway(entrypoint(options, "http") + router("all", "PathPrefix(`/`)", echo.url)) as running:
            wire = await running.connect()
            await wire.send(data + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer, _ = await wire.end() if not answered else (await wire.until(b"\r\n"), "")
            assert answer.startswith(b"HTTP/1.1 200 ") == answered


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_proxy_header_sent(version: str) -> None:
    """An endpoint that wants to know the client is told, before the client's first byte."""
    async with TcpServer() as server:
        option = f'proxy_protocol = "{version}"'
        async with gateway(entrypoint() + router("all", "HostSNI(`*`)", server, balancer=option)) as running:
            wire = await running.connect()
            here = wire.socket.getsockname()
            await wire.send(b"hello")
            await wire.until(b"hello")
            header = parse(server.heard[0])
            assert isinstance(header, Header)
            assert (header.source, header.destination) == (here, wire.socket.getpeername())
            assert server.heard[0][header.length :] == b"hello"


async def test_each_service_in_its_own_way() -> None:
    """Where a router leads to several services, the header and the times are those of the service that is asked."""
    async with TcpServer() as plain, TcpServer() as told:
        parts = "".join(
            f'services "{name}" {{\nload_balancer {{\nservers = [{{ url = "{server.url}" }}]\n{more}\n}}\n}}\n'
            for name, server, more in (
                ("one", plain, 'stream_idle_timeout = "200ms"'),
                ("two", told, 'proxy_protocol = "v2"'),
            )
        )
        both = 'services "both" {\nweighted { services = [{ name = "one" }, { name = "two" }] }\n}\n'
        all_ = 'routers "all" {\nrule = "HostSNI(`*`)"\nservice = "both"\nentrypoints = ["web"]\n}\n'
        async with gateway(entrypoint() + all_ + both + parts) as running:
            wires = [await running.connect() for _ in range(4)]
            for wire in wires:
                await wire.send(b"hello")
                await wire.until(b"hello")
            assert plain.heard == [b"hello"] * 2
            assert [isinstance(parse(data), Header) for data in told.heard] == [True] * 2
            await until(
                lambda: running.gateway.health()["entrypoints"]["web"]["connections"] == 2, "two were idle for too long"
            )
        assert [(record["endpoint"], record["error"]) for record in running.records[:2]] == [(plain.url, "idle")] * 2
        assert [record["endpoint"] for record in running.records[2:]] == [told.url] * 2


async def test_unix_sockets(tmp_path: Path) -> None:
    """Both sides may be socket files."""
    path = tmp_path / "there"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"got " + await reader.read(100))
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    hcl = entrypoint().replace("127.0.0.1:0", f"unix:{tmp_path}/here") + router("all", "HostSNI(`*`)", f"unix:{path}")
    async with gateway(hcl) as running:
        wire = await running.connect()
        await wire.send(b"it")
        assert await wire.end() == (b"got it", "FIN")
    server.close()


# Reloads...


async def _joined(running: Running) -> Wire:
    wire = await running.connect()
    await wire.send(b"x")
    assert await wire.read(1) == b"x"
    return wire


async def test_reloads_keep_what_has_not_changed() -> None:
    """Connections of a route that stays go on; those of one that changes end within `drain_timeout`; new ones get the
    new route."""
    async with TcpServer() as old, TcpServer() as new:

        def hcl(server: TcpServer, more: str = "") -> str:
            drain = 'drain_timeout = "300ms"'
            return entrypoint() + router("all", "HostSNI(`*`)", server, drain) + more

        async with gateway(hcl(old)) as running:
            first = await _joined(running)
            for index in range(3):
                other = (
                    f'services "other{index}" {{\nload_balancer {{ servers = [{{ url = "tcp://127.0.0.1:1" }}] }}\n}}\n'
                )
                assert await running.gateway.reload(load_config(hcl(old, other)))
                await first.send(b"y")
                assert await first.read(1) == b"y"
            assert await running.gateway.reload(load_config(hcl(new)))
            await first.send(b"z")
            assert await first.read(1) == b"z"
            second = await _joined(running)
            assert new.heard == [b"x"]
            assert (await first.end())[1] == "FIN"
            await second.send(b"y")
            assert await second.read(1) == b"y"


async def test_health_checks() -> None:
    """An endpoint that is not there is noticed by a TCP check, and gets no connections."""
    async with TcpServer() as gone:
        url = gone.url
    async with TcpServer(greeting=b"hi") as server:
        check = 'health_check {\ninterval = "50ms"\nunhealthy_threshold = 1\n}'
        both = router("all", "HostSNI(`*`)", f'{url}" }}, {{ url = "{server.url}', balancer=check)
        async with gateway(entrypoint() + both) as running:
            async with asyncio.timeout(5):
                while running.gateway.health()["services"]["all"][0]["health"] != "unhealthy":
                    await asyncio.sleep(0.01)
            assert await (await running.connect()).read(2) == b"hi"
