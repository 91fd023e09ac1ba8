"""in-flight: so many requests at once from each source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.in_flight import InFlight, Options
from a3sgw.options import ValidationError
from a3sgw.shared.table import SharedTable
from tests.support.gateway import config, stage
from tests.support.live import until
from tests.support.origin import OK

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
LAST = OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@dataclass
class Ended:
    """An exchange that is over."""

    status: int = 200
    received: int = 0
    sent: int = 0
    error: str = ""
    attempts: int = 1
    upstream_seconds: float = 0.0


@pytest.fixture
def table() -> Iterator[SharedTable]:
    """An empty one, of an owner of its own."""
    maker = SharedTable.create(256)
    one = SharedTable.attach(os.dup(maker.descriptor), maker.next_owner())
    yield one
    one.close()
    maker.close()


def limit(table: SharedTable, name: str = "limit", **options: object) -> InFlight:
    """A middleware with this name and these options."""
    middleware = InFlight(Options.model_validate(options))
    middleware.attach(Context(name, table=table))
    return middleware


def begin(middleware: InFlight, host: bytes = b"a.example", address: str = "192.0.2.1") -> Request | None:
    """A request that passes, or None."""
    request = Request()
    request.host = host
    request.client_ip = address
    try:
        middleware.request(request)
    except ClientError:
        return None
    return request


def test_so_many_at_once(table: SharedTable) -> None:
    """Of each host; one that ends makes room for one."""
    middleware = limit(table, amount=2)
    first, second, third = (begin(middleware) for _ in range(3))
    assert (first is None, second is None, third) == (False, False, None)
    assert begin(middleware, b"b.example") is not None
    assert first is not None
    middleware.done(first, Ended())
    middleware.done(first, Ended())
    assert begin(middleware) is not None
    assert begin(middleware) is None


def test_a_client(table: SharedTable) -> None:
    """By `ip`, each client has its own, IPv6 by /64; a request without a host goes by its client as well."""
    middleware = limit(table, amount=1, key="ip")
    assert begin(middleware) is not None
    assert begin(middleware) is None
    assert begin(middleware, address="2001:db8::1") is not None
    assert begin(middleware, address="2001:db8::2") is None
    hosts = limit(table, "hosts", amount=1)
    assert begin(hosts, b"") is not None
    assert begin(hosts, b"") is None
    assert begin(hosts, b"", "192.0.2.2") is not None


def test_refused_and_yet_done(table: SharedTable) -> None:
    """One that was not counted gives nothing back, as when refusals are only observed."""
    middleware = limit(table, amount=1, status=503)
    assert begin(middleware) is not None
    refused = Request()
    refused.host = b"a.example"
    with pytest.raises(ClientError) as caught:
        middleware.request(refused)
    assert (caught.value.status, caught.value.fields) == (503, ())
    middleware.done(refused, Ended())
    middleware.done(Request(), Ended())
    assert begin(middleware) is None


def test_twice_in_a_chain(table: SharedTable) -> None:
    """It counts once, and is given back once."""
    middleware = limit(table, amount=1)
    request = begin(middleware)
    assert request is not None
    middleware.request(request)
    for _ in range(2):
        middleware.done(request, Ended())
    assert begin(middleware) is not None
    assert begin(middleware) is None


def test_other_workers_and_configurations(table: SharedTable) -> None:
    """They count together, by name; what a dead worker held is given back."""
    worker = SharedTable.attach(os.dup(table.descriptor), table.next_owner())
    theirs, mine, other = limit(worker, amount=2), limit(table, amount=2), limit(table, "other", amount=2)
    assert begin(theirs) is not None
    request = begin(mine)
    assert request is not None
    assert begin(mine) is None
    assert begin(other) is not None
    raised = limit(table, amount=3)
    assert begin(raised) is not None
    raised.done(request, Ended())  # the configuration has changed meanwhile
    assert begin(mine) is None
    worker.close()
    table.sweep()
    assert begin(mine) is not None


@pytest.mark.parametrize("options", [{}, {"amount": 0}, {"amount": 1, "status": 200}, {"amount": 1, "key": "user"}])
def test_options_are_checked(options: dict[str, object]) -> None:
    """At least one at once, and a status that is a refusal."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def text(amount: int, mode: str = "enforce") -> str:
    """A limit named `few`."""
    return f'middlewares "few" {{\n type = "in-flight"\n amount = {amount}\n mode = "{mode}"\n}}'


async def test_on_the_wire() -> None:
    """One more than may be is 429; a reload forgets nobody, and whoever leaves makes room."""
    async with stage(router='middlewares = ["few"]', more=text(2)) as on:
        one, two = await on.running.connect(), await on.running.connect()
        for client in (one, two):
            await client.send(GET)
        first, second = await on.origin.accept(), await on.origin.accept()
        await first.message()
        await second.message()
        refused = await on.running.ask(GET)
        assert (refused.status, refused.get(b"retry-after")) == (429, None)
        assert await on.running.gateway.reload(
            load_config(config(on.origin.url, router='middlewares = ["few"]', more=text(1)))
        )
        await first.send(LAST)
        assert (await one.message()).status == 200
        assert (await on.running.ask(GET)).status == 429
        two.close()
        on.origin.always()

        async def free() -> bool:
            return (await on.running.ask(GET)).status == 200

        await until(free, "there is room again")
    errors = {one["error"] for one in on.records if one["status"] == 429}
    assert errors == {"ClientError: more than 2 at once by host"}


async def test_observed() -> None:
    """Nobody is refused, and the count stays right."""
    async with stage(router='middlewares = ["few"]', more=text(1, "observe")) as on:
        one, two = await on.running.connect(), await on.running.connect()
        for client in (one, two):
            await client.send(GET)
            there = await on.origin.accept()
            await there.message()
        for there, client in zip(on.origin.wires, (one, two), strict=True):
            await there.send(OK)
            assert (await client.message()).status == 200
    assert [record.get("would_block") for record in on.records[:2]] == [None, "few: more than 1 at once by host"]
