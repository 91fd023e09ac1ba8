"""tcp-filter: connections are turned away before they say anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from a3sgw import load_config
from a3sgw.config.load import Loader
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.tcp_filter import Options, TcpFilter
from a3sgw.options import ValidationError
from a3sgw.shared.table import SharedTable
from tests.support.gateway import config, gateway
from tests.support.live import until
from tests.support.origin import Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture
def table() -> Iterator[SharedTable]:
    """Shared by everybody."""
    made = SharedTable.create()
    yield made
    made.close()


def made(table: SharedTable, name: str = "f", **options: object) -> TcpFilter:
    middleware = TcpFilter(Options.model_validate(options))
    middleware.attach(Context(name, table=table))
    return middleware


def test_networks(table: SharedTable) -> None:
    """Only those that are listed, in both families; who has no address is not."""
    middleware = made(table, allowed_ips=["10.0.0.0/8", "::1"])
    assert [middleware.accept(one) for one in ("10.1.1.1", "::1", "::ffff:10.2.3.4", "192.0.2.1", "")] == [
        *(True, True, True, False, False)
    ]


def test_limits(table: SharedTable) -> None:
    """In all and by address; each is counted once and given back once."""
    middleware = made(table, max_connections=3, max_connections_per_ip=2)
    assert [middleware.accept("a") for _ in range(3)] == [True, True, False]
    assert [middleware.accept("b") for _ in range(2)] == [True, False]
    middleware.closed("a")
    assert [middleware.accept(one) for one in ("b", "b", "c")] == [True, False, False]
    for one in ("a", "b", "b"):
        middleware.closed(one)
    assert [middleware.accept("c") for _ in range(3)] == [True, True, False]
    assert made(table, "other", max_connections=1).accept("c")


@pytest.mark.parametrize("options", [{}, {"max_connections": 0}, {"allowed_ips": []}, {"max_connections": -1}])
def test_options_are_checked(options: dict[str, object]) -> None:
    """A filter that filters nothing is a mistake."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


FILTER = 'middlewares "f" {\n type = "tcp-filter"\n %s\n}\n'


async def test_on_the_wire() -> None:
    """Who is one too many is closed without an answer, and counted; a place is free when a connection is over."""
    async with Origin() as origin:
        origin.always()
        hcl = config(origin.url, entrypoint='middlewares = ["f"]', more=FILTER % "max_connections = 2")
        async with gateway(hcl) as running:
            first, second, third = [await running.connect() for _ in range(3)]
            for one in (first, second):
                await one.send(GET)
                assert (await one.message()).status == 200
            assert (await third.end())[0] == b""
            metrics = running.gateway.metrics().totals()
            assert metrics["middlewares"] == {"f": {"refused": 1}}
            assert metrics["entrypoints"][0]["refused"] == {"filter": 1}
            # A reload keeps counting what is open.
            more = FILTER % "max_connections = 2\n max_connections_per_ip = 9"
            assert await running.gateway.reload(
                load_config(config(origin.url, entrypoint='middlewares = ["f"]', more=more))
            )
            assert (await (await running.connect()).end())[0] == b""
            first.close()

            async def again() -> bool:
                wire = await running.connect()
                await wire.send(GET)
                try:
                    return (await wire.message()).status == 200
                except (AssertionError, OSError, EOFError):
                    return False

            await until(again, "there is a place")


@pytest.mark.parametrize(("mode", "status", "event"), [("enforce", 0, "refused"), ("observe", 200, "would_block")])
async def test_addresses_on_the_wire(mode: str, status: int, event: str) -> None:
    """The other end of the connection counts, not what a trusted proxy says; an observer turns nobody away."""
    more = FILTER % f'allowed_ips = ["192.0.2.0/24"]\n mode = "{mode}"'
    entrypoint = 'middlewares = ["f"]\n trusted_ips = ["127.0.0.1"]'
    async with Origin() as origin:
        origin.always()
        async with gateway(config(origin.url, entrypoint=entrypoint, more=more)) as running:
            wire = await running.connect()
            if status:
                await wire.send(GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"))
                assert (await wire.message()).status == status
            else:
                assert (await wire.end())[0] == b""
            assert running.gateway.metrics().totals()["middlewares"] == {"f": {event: 1}}


@pytest.mark.parametrize("names", ['"f"', '"c"'])
def test_it_is_not_for_routers(names: str) -> None:
    """A router sees requests; the error says where it belongs, also when a chain has it."""
    text = config("http://127.0.0.1:1", router=f"middlewares = [{names}]", more=FILTER % "max_connections = 1")
    text += 'middlewares "c" {\n type = "chain"\n middlewares = ["f"]\n}\n'
    loaded = Loader().load_text(text, "t.hcl")
    [error] = loaded.errors
    assert error.summary == 'middleware "f" (tcp-filter) does not work on routers of http entrypoints'
    assert error.help == "name it in the middlewares of the entrypoint"
