"""`psql` and PostgreSQL with the gateway in between: plain, with TLS that ends here, and with TLS that passes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.gateway import Running, gateway
from tests.support.live import until
from tests.support.postgres import Postgres, environment, psql
from tests.support.programs import WAIT, started
from tests.support.tls import Authority

ROWS = 50_000
"""Of 1,000 bytes each: 50 MB."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates are."""
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="module")
def authority(place: Path) -> Authority:
    """Signs for the database and for the gateway."""
    return Authority(place)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(authority: Authority) -> AsyncIterator[Postgres]:
    """One for all tests here."""
    async with Postgres() as made:
        await made.start(authority.issue("db.example", "127.0.0.1"))
        yield made


pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def before(database: Postgres, router: str, entrypoint: str = "", more: str = "") -> AsyncIterator[Running]:
    """A gateway with one router, and one service for all."""
    hcl = f"""
    shutdown_timeout_secs = 1
    entrypoints "web" {{
      address  = "127.0.0.1:0"
      protocol = "tcp"
      {entrypoint}
    }}
    routers "database" {{
      service = "database"
      {router}
    }}
    services "database" {{
      load_balancer {{ servers = [{{ url = "tcp://127.0.0.1:{database.port}" }}] }}
    }}
    {more}
    """
    async with gateway(hcl) as running:
        yield running


def where(running: Running, host: str = "db.example", more: str = "") -> str:
    """The connection string of a client that knows the database by this name."""
    _, _, port = running.gateway.addresses["web"][0].rpartition(":")
    return f"host={host} hostaddr=127.0.0.1 port={port} {more}"


ALL = 'rule = "HostSNI(`*`)"'
TLS_HERE = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


async def test_plain(database: Postgres) -> None:
    """A session without TLS; a client that would like TLS gets the database's answer to that."""
    async with before(database, ALL) as running:
        for mode, has in (("disable", "f"), ("prefer", "t")):
            ended = await database.psql(where(running, more=f"sslmode={mode}"), "-Atc", TLS_HERE)
            assert (ended.out.decode(), ended.err) == (f"{has}\n", "")


async def test_tls_that_ends_here(database: Postgres, authority: Authority) -> None:
    """The gateway shows its certificate, by the name that is asked for; the database sees a session without TLS."""
    first, second = authority.issue("a.example"), authority.issue("b.example")
    tls = f"tls {{\n{first.hcl}\ncertificates {{\n{second.hcl}\n}}\n}}"
    router = 'rule = "HostSNI(`a.example`) || HostSNI(`b.example`)"'
    async with before(database, router, tls) as running:
        trusted = f"sslmode=verify-full sslrootcert={authority.file}"
        for name in ("a.example", "b.example"):
            ended = await database.psql(where(running, name, trusted), "-Atc", TLS_HERE)
            assert (ended.out, ended.err) == (b"f\n", "")
        ended = await database.psql(where(running, "c.example", "sslmode=require"), "-c", "select 1")
        assert ended.code == 2
        assert "unrecognized name" in ended.err
        ended = await database.psql(where(running, "a.example", "sslmode=disable"), "-c", "select 1")
        assert ended.code == 2
    assert [(record["host"], record["tls_version"]) for record in running.records] == [
        ("a.example", "TLSv1.3"),
        ("b.example", "TLSv1.3"),
    ]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_tls_that_passes(database: Postgres, authority: Authority, version: str) -> None:
    """The database's own certificate is what the client sees and checks."""
    router = 'rule = "HostSNI(`db.example`)"\ntls { passthrough = true }'
    async with before(database, router) as running:
        trusted = f"sslmode=verify-full sslrootcert={authority.file} ssl_max_protocol_version={version}"
        ended = await database.psql(
            where(running, more=trusted), "-Atc", "select version from pg_stat_ssl where pid = pg_backend_pid()"
        )
        assert (ended.out.decode(), ended.err) == (f"{version}\n", "")


@pytest.mark.parametrize("mode", ["plain", "terminated"])
async def test_much(database: Postgres, authority: Authority, place: Path, mode: str) -> None:
    """50 MB come out and go in again, and are the same."""
    file = place / f"{mode}.copy"
    certificate = f"tls {{\n{authority.issue('db.example').hcl}\n}}" if mode == "terminated" else ""
    async with before(database, ALL, certificate) as running:
        there = where(running, more="sslmode=require" if certificate else "sslmode=disable")
        out = f"copy (select i, repeat(md5(i::text), 31) from generate_series(1, {ROWS}) i) to '{file}'"
        script = f"\\{out}\ncreate temp table back (i int, text text);\n\\copy back from '{file}'\n"
        script += "select count(*), sum(length(text)), bool_and(text = repeat(md5(i::text), 31)) from back;\n"
        ended = await database.psql(there, "-Atq", "-f", "-", given=script.encode())
        assert (ended.out.decode().splitlines()[-1:], ended.err) == ([f"{ROWS}|{ROWS * 992}|t"], "")
    file.unlink()
    record = running.records[0]
    assert (record["router"], record["error"]) == ("database", "")
    assert min(record["received"], record["sent"]) > ROWS * 992


@pytest.mark.parametrize("mode", ["plain", "terminated"])
async def test_cancelling(database: Postgres, authority: Authority, mode: str) -> None:
    """A query is given up by a second connection, on which older clients speak neither TLS nor a name: a router for
    connections without TLS takes it."""
    tls, more = "", ""
    if mode == "terminated":
        tls = f"tls {{\n{authority.issue('db.example').hcl}\n}}"
        more = f'routers "cancel" {{\n{ALL}\nservice = "database"\ntls {{ enabled = false }}\n}}\n'
    query = f"select pg_sleep(60) /* {mode} */"
    async with before(database, ALL, tls, more) as running:
        there = where(running, more="sslmode=require" if tls else "sslmode=disable")
        async with started("psql", *psql(there), "-c", query, environment=environment()) as process:

            async def runs() -> bool:
                asked = f"select count(*) from pg_stat_activity where state = 'active' and query = '{query}'"
                return await database.ask(asked) == "1"

            await until(runs, "the query runs")
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(WAIT):
                _, err = await process.communicate()
            assert b"canceling statement due to user request" in err
