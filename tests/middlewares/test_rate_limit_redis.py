"""rate-limit-redis: so many requests per second from each source, over all gateways, by a real Redis."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.rate_limit_redis import Options, RateLimitRedis
from a3sgw.options import OptionError, ValidationError
from a3sgw.tasks import spawn
from tests.support.gateway import config, gateway, stage
from tests.support.live import until
from tests.support.origin import Origin
from tests.support.redis import Redis

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Redis]:
    """A Redis."""
    async with Redis(tmp_path) as one:
        yield one


@asynccontextmanager
async def limit(server: Redis, name: str = "limit", **options: object) -> AsyncIterator[RateLimitRedis]:
    """A middleware with this name and these options, open."""
    middleware = RateLimitRedis(Options.model_validate({"redis_url": server.url, "timeout": 5, **options}))
    middleware.attach(Context(name))
    await middleware.open()
    try:
        yield middleware
    finally:
        await middleware.close()


async def ask(middleware: RateLimitRedis, address: str = "192.0.2.1") -> int:
    """What one more request gets: 0 when it passes."""
    request = Request()
    request.client_ip = address
    try:
        waits = middleware.request(request)
        if waits is not None:
            await waits
    except ClientError as error:
        return error.status
    return 0


async def many(middleware: RateLimitRedis, count: int) -> int:
    """How many of so many that come at once pass."""
    return (await asyncio.gather(*[ask(middleware) for _ in range(count)])).count(0)


@pytest.mark.parametrize(("rate", "burst"), [(0.001, 1), (0.001, 20), (3, 7), (1 / 3, 100)])
async def test_a_burst(server: Redis, rate: float, burst: int) -> None:
    """As many as may come at once, exactly, whatever the fractions are."""
    async with limit(server, rate=rate, burst=burst) as middleware:
        started = time.monotonic()
        passed = await many(middleware, burst + 20)
        assert burst <= passed <= burst + rate * (time.monotonic() - started)
        assert await ask(middleware, "192.0.2.2") == 0


async def test_no_more_than_the_rate(server: Redis) -> None:
    """Two who ask all the time get the rate and the burst together, not more."""
    async with limit(server, rate=200, burst=5) as one, limit(server, rate=200, burst=5) as other:
        started = time.monotonic()
        passed = 0
        for _ in range(40):
            passed += await many(one, 5) + await many(other, 5)
        assert 5 < passed < 200 * (time.monotonic() - started) + 6


async def test_what_is_told(server: Redis) -> None:
    """The numbers are those of rate-limit, and whoever waits as told passes."""
    async with limit(server, rate=20, period="1s", burst=2, legacy_headers=True) as middleware:
        for _ in range(2):
            assert await ask(middleware) == 0
        request = Request()
        request.client_ip = "192.0.2.1"
        with pytest.raises(ClientError) as caught:
            await (middleware.request(request) or asyncio.sleep(0))
        told = dict(caught.value.fields)
        assert (told[b"Retry-After"], told[b"RateLimit-Limit"], told[b"X-RateLimit-Remaining"]) == (b"1", b"2", b"0")

        async def passes() -> bool:
            return await ask(middleware) == 0

        started = time.monotonic()
        await until(passes, "a turn comes")
        assert time.monotonic() - started <= 1


async def test_a_changed_rate(server: Redis) -> None:
    """It holds from the next request: a debt under a slow rate is not paid under a fast one."""
    async with limit(server, rate=0.001, burst=10) as slow, limit(server, rate=100, burst=2) as fast:
        assert await many(slow, 12) == 10
        assert await ask(fast) == 429

        async def passes() -> bool:
            return await ask(fast) == 0

        await until(passes, "a turn comes", 1.0)


async def test_keys_vanish(server: Redis) -> None:
    """There is one for each source, hashed, which expires when it does not matter any more."""
    async with limit(server, rate=10, burst=3, key="header:X-Tenant", prefix="shop:") as middleware:
        assert await many(middleware, 5) == 3
        keys = await server.call("EVAL", "\"return table.concat(redis.call('KEYS','*'),' ')\"", 0)
        (key,) = (one for one in keys.split() if one != "shop:limit:probe")
        assert key.startswith("shop:limit:")
        assert len(key) == len("shop:limit:") + 32
        assert 0 < int((await server.call("PTTL", key)).lstrip(":")) <= 401
        assert await server.call("FLUSHALL") == "+OK"
        assert await many(middleware, 5) == 3


async def test_names_and_prefixes(server: Redis) -> None:
    """Who has another name or prefix counts for itself."""
    async with (
        limit(server, "a", rate=0.001) as one,
        limit(server, "b", rate=0.001) as two,
        limit(server, "a", rate=0.001, prefix="x:") as three,
        limit(server, "a", rate=0.001) as four,
    ):
        assert [await ask(middleware) for middleware in (one, two, three, four)] == [0, 0, 0, 429]


@pytest.mark.parametrize(("on_error", "status"), [("deny", 503), ("allow", 0)])
async def test_without_redis(server: Redis, on_error: str, status: int) -> None:
    """As the option says, counted, and without a task; the limit holds again when it is back."""
    counted: list[str] = []
    async with limit(server, rate=0.001, on_error=on_error) as middleware:
        middleware.context = replace(middleware.context, count=counted.append)
        assert [await ask(middleware) for _ in range(2)] == [0, 429]
        await server.kill()
        assert [await ask(middleware) for _ in range(3)] == [status] * 3
        assert counted == ["unanswered"] * 3
        with suppress(ClientError):
            assert middleware.request(Request()) is None
        await server.start()

        async def refuses() -> bool:
            return await ask(middleware) == 429

        await until(refuses, "the limit holds")


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 1},
        {"redis_url": "redis://a"},
        {"rate": 0, "redis_url": "redis://a"},
        {"rate": 1, "redis_url": "redis://a", "on_error": "wait"},
        {"rate": 1, "redis_url": "redis://a", "timeout": 0},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """Those of a rate, and a Redis."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_a_url_that_is_none() -> None:
    """Is an error."""
    with pytest.raises(OptionError, match="redis_url is not"):
        RateLimitRedis(Options.model_validate({"rate": 1, "redis_url": "http://a"})).attach(Context("limit"))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setitem(sys.modules, "a3sgw.redis_client", None)  # as when its import fails
    with pytest.raises(OptionError) as caught:
        RateLimitRedis(Options.model_validate({"rate": 1, "redis_url": "redis://a"})).attach(Context("limit"))
    assert caught.value.help == "pip install 'a3sgw[redis]'"


# On the wire...


def text(url: object, rate: float = 0.001, burst: int = 2, more: str = "") -> str:
    """A limit named `few`, and a route that has none."""
    return f"""
    middlewares "few" {{
      type      = "rate-limit-redis"
      rate      = {rate}
      burst     = {burst}
      redis_url = "{url}"
      {more}
    }}
    routers "free" {{
      rule    = "PathPrefix(`/free`)"
      service = "origin"
    }}
    """


async def test_two_gateways(tmp_path: Path) -> None:
    """They count together; a reload keeps the count, and the password is in no configuration that is shown."""
    router = 'middlewares = ["few"]'
    async with Origin() as origin, Redis(tmp_path, password="correct-horse") as server:
        origin.always()
        hcl = config(origin.url, router=router, more=text(server.url))
        async with gateway(hcl) as one, gateway(hcl) as other:
            answers = [await running.ask(GET) for running in (one, other, one, other)]
            assert [answer.status for answer in answers] == [200, 200, 429, 429]
            assert [answer.get(b"ratelimit-remaining") for answer in answers] == [b"1", b"0", b"0", b"0"]
            assert answers[3].get(b"retry-after") in (b"999", b"1000")
            more = text(f"unix://{server.socket}?password=correct-horse", rate=0.002)
            assert await one.gateway.reload(load_config(config(origin.url, router=router, more=more)))
            assert (await one.ask(GET)).status == 429
            shown = json.dumps(one.gateway.config(), default=str)
            assert "redis_url" in shown
            assert "horse" not in shown


async def test_one_connection_for_all(server: Redis) -> None:
    """However many limits there are, and over reloads; when none is left, it is closed."""
    names = '"few", "many"'
    first = text(server.url)
    both = first + first.split("routers")[0].replace('"few"', '"many"')
    async with Origin() as origin:
        origin.always()
        hcl = config(origin.url, router=f"middlewares = [{names}]", more=both)
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).status == 200
            assert await server.connections() == 1
            more = both.replace("burst ", "legacy_headers = true\n  burst ", 1)
            assert await running.gateway.reload(load_config(hcl.replace(both, more)))
            assert (await running.ask(GET)).status == 200
            assert await server.connections() == 1
            assert await running.gateway.reload(load_config(config(origin.url)))

            async def gone() -> bool:
                return await server.connections() == 0

            await until(gone, "nobody needs it")


async def test_nobody_else_waits(server: Redis) -> None:
    """While Redis is silent, other routes answer; who is limited waits for the timeout once, and then nobody does."""
    more = text(server.url, rate=1000, burst=100, more='timeout = "1s"\non_error = "allow"')
    async with stage(router='middlewares = ["few"]', more=more) as on:
        on.origin.always()
        assert (await on.running.ask(GET)).status == 200
        server.send(signal.SIGSTOP)
        waiting = spawn(on.running.ask(GET), "a limited request")
        for _ in range(20):
            assert (await on.running.ask(GET.replace(b"/ ", b"/free "))).status == 200
        assert not waiting.done()
        assert (await waiting).status == 200
        started = time.monotonic()
        for _ in range(5):
            assert (await on.running.ask(GET)).status == 200
        assert time.monotonic() - started < 1
        server.send(signal.SIGCONT)


async def test_a_start_without_redis(tmp_path: Path) -> None:
    """The gateway serves, and refuses what it cannot count, until there is one."""
    server = Redis(tmp_path)
    async with stage(router='middlewares = ["few"]', more=text(server.url)) as on:
        on.origin.always()
        assert (await on.running.ask(GET)).status == 503
        assert (await on.running.ask(GET.replace(b"/ ", b"/free "))).status == 200
        async with server:

            async def passes() -> bool:
                return (await on.running.ask(GET)).status == 200

            await until(passes, "it counts")
            assert [(await on.running.ask(GET)).status for _ in range(2)] == [200, 429]
    assert on.records[0]["error"] == "ClientError: rate-limit-redis: redis is not available"


async def test_observed(server: Redis) -> None:
    """Nothing is refused, and the log says what would have been."""
    more = text(server.url, burst=1, more='mode = "observe"')
    async with stage(router='middlewares = ["few"]', more=more) as on:
        on.origin.always()
        assert [(await on.running.ask(GET)).status for _ in range(2)] == [200, 200]
    assert [record.get("would_block") for record in on.records] == [None, "few: more than 0.001 per second by ip"]
