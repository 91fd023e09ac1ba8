"""rate-limit: so many requests per second from each client."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.rate_limit import Options, RateLimit
from a3sgw.options import ValidationError
from a3sgw.shared.table import SharedTable
from tests.support.gateway import config, stage

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture
def table() -> Iterator[SharedTable]:
    """A table whose clock stands still."""
    one = SharedTable.create(256)
    one.now = lambda: 1000.0
    yield one
    one.close()


def limit(table: SharedTable, name: str = "limit", **options: object) -> RateLimit:
    """A middleware with this name and these options."""
    middleware = RateLimit(Options.model_validate(options))
    middleware.attach(Context(name, table=table))
    return middleware


def passes(middleware: RateLimit, address: str = "192.0.2.1") -> bool:
    """Whether one more request of this client passes."""
    request = Request()
    request.client_ip = address
    try:
        middleware.request(request)
    except ClientError:
        return False
    return True


def retry_after(middleware: RateLimit, address: str = "192.0.2.1") -> bytes:
    """What a refusal says."""
    request = Request()
    request.client_ip = address
    with pytest.raises(ClientError) as caught:
        middleware.request(request)
    name, value = caught.value.fields[0]
    assert (caught.value.status, name) == (429, b"Retry-After")
    return value


def test_a_burst_and_then_the_rate(table: SharedTable) -> None:
    """As many as `burst` at once, then as many as come free."""
    middleware = limit(table, rate=2, burst=3)
    assert [passes(middleware) for _ in range(5)] == [True, True, True, False, False]
    table.now = lambda: 1000.5
    assert [passes(middleware) for _ in range(2)] == [True, False]
    table.now = lambda: 2000.0
    assert [passes(middleware) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("rate", "seconds"), [(100, b"1"), (1, b"1"), (0.9, b"2"), (0.5, b"2"), (0.1, b"10"), (1e-311, b"31536000")]
)
def test_retry_after(table: SharedTable, rate: float, seconds: bytes) -> None:
    """Whole seconds, rounded up, at least one; whoever waits that long passes."""
    middleware = limit(table, rate=rate)
    assert passes(middleware)
    assert retry_after(middleware) == seconds
    if rate > 0.01:
        table.now = lambda: 1000.0 + int(seconds)
        assert passes(middleware)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:c000:201", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::1", "127.0.0.1", False),
        ("", "", True),
        ("", "192.0.2.1", False),
    ],
)
def test_clients(table: SharedTable, one: str, other: str, same: bool) -> None:
    """An IPv4 address, however it is written, or a /64 of IPv6; those without an address are one."""
    middleware = limit(table, rate=1)
    assert passes(middleware, one)
    assert passes(middleware, other) is not same


def test_names(table: SharedTable) -> None:
    """Each name has buckets of its own, each worker and each configuration the same."""
    assert passes(limit(table, "a", rate=1))
    assert passes(limit(table, "b", rate=1))
    worker = SharedTable.attach(os.dup(table.descriptor), table.next_owner())
    worker.now = table.now
    assert not passes(limit(worker, "a", rate=1))
    assert not passes(limit(table, "a", rate=100))
    assert passes(limit(table, "a", rate=100, burst=2))
    worker.close()


@pytest.mark.parametrize(
    ("options", "load", "seconds"),
    [
        ({"rate": 100, "burst": 1}, 400, 10),
        ({"rate": 100, "burst": 200}, 300, 10),
        ({"rate": 5, "period": "10s"}, 100, 60),
        ({"rate": 50, "period": "500ms"}, 300, 10),
        ({"rate": 30, "period": "1m", "burst": 7}, 3, 10),
    ],
)
def test_the_sum(table: SharedTable, options: dict[str, object], load: int, seconds: int) -> None:
    """Over a while, as many pass as the rate and the burst say, within one in a hundred, or one."""
    middleware = limit(table, "limit", **options)
    admitted = 0
    for turn in range(load * seconds):
        table.now = lambda at=1000.0 + turn / load: at  # type: ignore[misc]  # a clock that the test moves
        admitted += passes(middleware)
    parsed = middleware.options
    assert admitted == pytest.approx(parsed.rate / parsed.period * seconds + parsed.burst, rel=0.01, abs=1)


def test_other_sources(table: SharedTable) -> None:
    """By a header, whoever the client is; without it, by the client."""
    middleware = limit(table, rate=1, key="header:x-tenant")
    seen = []
    for address, tenant in (("192.0.2.1", "a"), ("192.0.2.2", "a"), ("192.0.2.2", "b"), ("192.0.2.2", "")):
        request = Request()
        request.client_ip = address
        request.headers.add(b"X-Tenant", tenant.encode())
        try:
            middleware.request(request)
            seen.append(True)
        except ClientError:
            seen.append(False)
    assert seen == [True, False, True, True]


@pytest.mark.parametrize("options", [{}, {"rate": 1, "mode": "off"}, {"rate": 1, "key": "nothing"}])
def test_options_are_checked(options: dict[str, object]) -> None:
    """Those of a rate, and the mode."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def text(rate: float, burst: int) -> str:
    """A limit named `few`."""
    return f'middlewares "few" {{\n type = "rate-limit"\n rate = {rate}\n burst = {burst}\n}}'


async def test_on_the_wire() -> None:
    """429 with Retry-After, and the reason in the log; another client behind a trusted proxy passes."""
    entrypoint = 'trusted_ips = ["127.0.0.1"]'
    async with stage(router='middlewares = ["few"]', more=text(0.001, 2), entrypoint=entrypoint) as on:
        on.origin.always()
        answers = [await on.running.ask(GET) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[2].get(b"retry-after") in (b"999", b"1000")
        names = (b"ratelimit-limit", b"ratelimit-remaining")
        assert [[answer.get(name) for name in names] for answer in answers] == [
            [b"2", b"1"],
            [b"2", b"0"],
            [b"2", b"0"],
        ]
        assert answers[0].get(b"ratelimit-reset") == b"1000"
        other = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
        assert (await on.running.ask(other)).status == 200
    assert [one["error"] for one in on.records][2] == "ClientError: more than 0.001 per second by ip"


async def test_a_reload_keeps_the_buckets() -> None:
    """Whoever was over the limit still is when a number has changed."""
    async with stage(router='middlewares = ["few"]', more=text(0.001, 1)) as on:
        on.origin.always()
        assert [(await on.running.ask(GET)).status for _ in range(2)] == [200, 429]
        for rate, burst, status in ((0.002, 1, 429), (0.002, 2, 200), (0.003, 2, 429)):
            changed = config(on.origin.url, router='middlewares = ["few"]', more=text(rate, burst))
            assert await on.running.gateway.reload(load_config(changed))
            assert (await on.running.ask(GET)).status == status


async def test_two_limits() -> None:
    """The tighter one is told, each field once, also when the other is the one that refuses next."""
    both = text(0.001, 3) + "\n" + text(0.001, 2).replace("few", "fewer")
    async with stage(router='middlewares = ["few", "fewer"]', more=both) as on:
        on.origin.always()
        answers = [await on.running.ask(GET) for _ in range(3)]
        told = [
            [value for name, value in answer.fields if name.lower() == b"ratelimit-remaining"] for answer in answers
        ]
        assert told == [[b"1"], [b"0"], [b"0"]]
        assert [answer.status for answer in answers] == [200, 200, 429]
