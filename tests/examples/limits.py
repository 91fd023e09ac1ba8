"""What the heads of the examples about limits and addresses say to try, tried."""

from __future__ import annotations

import asyncio
import shutil

from a3sgw.tasks import spawn
from tests.examples.stand import EXAMPLES, Stand
from tests.support.live import until
from tests.support.redis import Redis


async def ip_deny(stand: Stand) -> None:
    """List, file and depth; a line that is added counts after a while."""
    denied = stand.directory / "denied.txt"
    shutil.copy(EXAMPLES / "networks/denied.txt", denied)
    stand.set(DENIED=denied)
    await stand.echo("APP")
    await stand.start()

    async def status(target: str, *chain: str) -> int:
        return (await stand.ask(target, *([f"X-Forwarded-For: {', '.join(chain)}"] if chain else []))).status

    assert await status("/") == 200
    assert await status("/", "203.0.113.9") == 403
    assert await status("/", "198.51.100.7") == 403
    assert await status("/two/", "192.0.2.1", "10.0.0.1") == 200
    assert await status("/two/", "203.0.113.9", "10.0.0.1") == 403
    assert await status("/two/") == 403
    assert await status("/", "192.0.2.1") == 200
    with denied.open("a") as file:
        file.write("192.0.2.0/24\n")

    async def counts() -> bool:
        return await status("/", "192.0.2.1") == 403

    await until(counts, "the new line counts")


async def in_flight(stand: Stand) -> None:
    """Two of one client, three of all; then there is room again."""
    app = await stand.echo("APP")
    await stand.start()
    app.wait.clear()
    other = "X-Forwarded-For: 203.0.113.9"
    waiting = [spawn(stand.ask("/slow"), "slow") for _ in range(2)]
    await until(lambda: len(app.requests) == 2, "two are under way")
    assert (await stand.ask("/slow")).status == 429
    waiting.append(spawn(stand.ask("/slow", other), "slow"))
    await until(lambda: len(app.requests) == 3, "three are under way")
    assert (await stand.ask("/slow", other)).status == 503
    app.wait.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200, 200]
    assert (await stand.ask()).status == 200


async def rate_limit_redis(stand: Stand) -> None:
    """Each tenant has its own, on every gateway; without Redis everything passes, with a new one everybody begins
    anew."""
    await stand.echo("APP")
    async with Redis(stand.directory) as redis:
        stand.set(REDIS_URL=redis.url)
        await stand.start()
        blue = "X-Tenant: blue"
        answers = [await stand.ask("/", blue) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[3].get(b"retry-after") in (b"5", b"6")
        assert (await stand.ask("/", blue, entrypoint="second")).status == 429
        assert (await stand.ask("/", "X-Tenant: red")).status == 200
        assert (await stand.ask()).get(b"ratelimit-remaining") == b"2"
        await redis.kill()
        assert (await stand.ask("/", blue)).status == 200
        await redis.start()

        async def counts() -> bool:
            return (await stand.ask("/", blue)).get(b"ratelimit-limit") == b"3"

        await until(counts, "Redis counts again")
        assert [(await stand.ask("/", blue)).status for _ in range(3)] == [200, 200, 429]
