"""Examples of what concerns middlewares in general."""

from __future__ import annotations

from tests.examples.stand import Stand
from tests.support.echo import ok
from tests.support.live import fetch, until
from tests.support.wire import Message


async def chain(stand: Stand) -> None:
    """All three policies hold, and the breaker lets requests through again later."""
    stand.set(COOLDOWN="200ms")
    statuses = ["200 OK"]

    def answer(request: Message) -> bytes:
        return ok(b"").replace(b"200 OK", statuses[-1].encode())

    await stand.echo("APP", answer)
    await stand.start()
    first = await stand.ask("/api")
    assert (first.status, first.get(b"x-frame-options")) == (200, b"DENY")
    assert (await stand.ask("/api", method="POST", body=b"x" * 2000)).status == 413
    statuses.append("500 X")
    seen = [await stand.ask("/api") for _ in range(5)]
    assert [one.status for one in seen] == [500, 500, 500, 503, 503]
    assert {one.get(b"x-frame-options") for one in seen} == {b"DENY"}
    statuses.append("200 OK")

    async def well() -> bool:
        return (await stand.ask("/api")).status == 200

    await until(well, "the breaker closes")


async def observe(stand: Stand) -> None:
    """Everybody passes, and is counted."""
    await stand.echo("APP")
    await stand.start()
    assert [(await stand.ask()).status for _ in range(3)] == [200] * 3
    text = await fetch(stand.gateway.admin_address, "/metrics")
    line = 'a3sgw_middleware_events_total{middleware="office",event="would_block"} 3'
    assert line in text.body.decode()
