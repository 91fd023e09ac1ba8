"""What the heads of the examples about TLS, TCP and PROXY headers say to try, tried with the programs they name."""

from __future__ import annotations

import asyncio

from tests.examples.stand import Stand
from tests.support.live import fetch
from tests.support.postgres import Postgres
from tests.support.programs import WAIT, Ended, run
from tests.support.tcp import TcpServer
from tests.support.tls import Authority, connect


async def curl(stand: Stand, url: str, *more: object) -> Ended:
    """The body, and behind it a line with the status; `{entrypoint}` in the URL is its port."""
    ports = {name: bound[0].rpartition(":")[2] for name, bound in stand.gateway.addresses.items()}
    quiet = ("-q", "-ksS", "--noproxy", "*", "--max-time", str(int(WAIT)), "-w", "\n%{http_code} %{redirect_url}")
    return await run("curl", *quiet, *more, url.format(**ports))


def status(ended: Ended) -> str:
    """That, and where to go where there is a redirect."""
    return ended.out.decode().rpartition("\n")[2].strip()


async def tls(stand: Stand) -> None:
    """To HTTPS; options by name; a connection for one name does not serve another with other options."""
    await stand.echo("APP")
    stand.set(XDG_CACHE_HOME=stand.directory)
    await stand.start()
    port = stand.gateway.addresses["websecure"][0].rpartition(":")[2]
    assert status(await curl(stand, "http://127.0.0.1:{web}/x")) == f"301 https://127.0.0.1:{port}/x"
    answer = await curl(stand, "https://app.localhost:{websecure}/", "-i")
    assert status(answer) == "200"
    assert b"\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\n" in answer.out
    assert status(await curl(stand, "https://bank.localhost:{websecure}/")) == "200"
    assert "protocol version" in (await curl(stand, "https://bank.localhost:{websecure}/", "--tls-max", "1.2")).err
    other = ("-H", "Host: bank.localhost")
    assert status(await curl(stand, "https://app.localhost:{websecure}/", *other)) == "421"


async def tcp(stand: Stand) -> None:
    """Connections are shared, a third one is closed, and all are counted."""
    async with TcpServer(b"+PONG ONE ") as one, TcpServer(b"+PONG TWO ") as two:
        stand.set(ONE=one.port, TWO=two.port)
        await stand.start()
        clients = [await stand.connect(), await stand.connect()]
        said = set()
        for client in clients:
            await client.send(b"PING")
            said.add(await client.read(14))
        assert said == {b"+PONG ONE PING", b"+PONG TWO PING"}
        third = await stand.connect()
        assert await third.end() == (b"", "FIN")
        metrics = (await fetch(stand.gateway.admin_address, "/metrics")).body
        assert b'a3sgw_tcp_connections{entrypoint="redis",router="redis",service="redis"} 2.0' in metrics
        for client in (*clients, third):
            client.close()


async def tls_passthrough(stand: Stand) -> None:
    """Who answers, and with whose certificate, is a matter of the name."""
    authority = Authority(stand.directory)
    await stand.echo("APP")
    async with TcpServer(b"own ", tls=authority.server("own.localhost")) as own:
        stand.set(OWN=own.port, XDG_CACHE_HOME=stand.directory)
        await stand.start()
        assert b'"name": "APP"' in (await curl(stand, "https://app.localhost:{websecure}/")).out
        assert status(await curl(stand, "https://other.localhost:{websecure}/")) == "404"
        client = await connect(stand.gateway.addresses["websecure"][0], authority.client(), "own.localhost")
        await client.send(b"hello")
        assert (client.names, await client.read(9)) == (["own.localhost"], b"own hello")
        client.close()


async def postgresql(stand: Stand) -> None:
    """TLS that ends here and TLS that goes on, by name, and a connection without."""
    authority = Authority(stand.directory)
    async with Postgres() as database:
        await database.start(authority.issue("payments.localhost"))
        stand.set(ORDERS=database.port, PAYMENTS=database.port, XDG_CACHE_HOME=stand.directory)
        await stand.start()
        port = stand.gateway.addresses["databases"][0].rpartition(":")[2]
        own = f"sslmode=verify-full sslrootcert={authority.file}"
        query = ("-Atc", "select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        asked = (("orders.localhost", "sslmode=require"), ("payments.localhost", own), ("127.0.0.1", "sslmode=disable"))
        found = await asyncio.gather(
            *(database.psql(f"host={name} hostaddr=127.0.0.1 port={port} {mode}", *query) for name, mode in asked)
        )
        assert [(ended.out, ended.err) for ended in found] == [(b"f\n", ""), (b"t\n", ""), (b"f\n", "")]


async def proxy_protocol(stand: Stand) -> None:
    """Who the client is comes with the connection; without it there is none."""
    await stand.echo("APP")
    await stand.start()
    through = await curl(stand, "http://127.0.0.1:{edge}/", "--interface", "127.0.0.5")
    assert b'"x-forwarded-for": "127.0.0.5"' in through.out
    assert status(await curl(stand, "http://127.0.0.1:{web}/", "--haproxy-protocol")) == "200"
    assert status(await curl(stand, "http://127.0.0.1:{web}/")) == "000"
