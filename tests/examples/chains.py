"""Examples of what concerns middlewares in general."""

from __future__ import annotations

from tests.examples.stand import Stand
from tests.support.echo import echoed, ok
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
    line = 'a3sgw_middleware_events_total{event="would_block",middleware="office"} 3.0'
    assert line in text.body.decode()


async def respond(stand: Stand) -> None:
    """Each path has its answer, and the rest goes to the application."""
    await stand.echo("APP")
    await stand.start()
    health = await stand.ask("/healthz")
    assert (health.status, health.body) == (200, b"ok\n")
    assert b"Disallow: /private/" in (await stand.ask("/robots.txt")).body
    shop = await stand.ask("/shop/cart")
    assert (shop.status, shop.get(b"retry-after"), b"ten minutes" in shop.body) == (503, b"600", True)
    assert echoed(await stand.ask("/"))["name"] == "APP"


async def errors(stand: Stand) -> None:
    """A page from each source; what is no error passes."""
    statuses = ["200 OK"]

    def answer(request: Message) -> bytes:
        return ok(b"inside").replace(b"200 OK", statuses[-1].encode())

    app = await stand.echo("APP", answer)
    await stand.echo("PAGES")
    await stand.start()
    assert (await stand.ask("/")).body == b"inside"
    statuses.append("500 X")
    broken = await stand.ask("/")
    assert (broken.status, b"500 Internal Server Error. If it" in broken.body) == (500, True)
    statuses.append("404 X")
    missing = await stand.ask("/nothing")
    assert missing.status == 404
    assert echoed(missing)["name"] == "PAGES"
    assert echoed(missing)["target"] == "/404.html"
    statuses.append("403 X")
    hidden = await stand.ask("/")
    assert (hidden.status, hidden.body) == (404, b"<h1>Not found</h1>\n")
    await app.stop()
    gone = await stand.ask("/")
    assert (gone.status, b"502 Bad Gateway. If it" in gone.body) == (502, True)


async def tcp_filter(stand: Stand) -> None:
    """Two connections from one address, none from another network."""
    await stand.echo("APP")
    await stand.start()
    first, second, third = [await stand.connect("web") for _ in range(3)]
    for one in (first, second):
        await one.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (await one.message()).status == 200
    assert (await third.end())[0] == b""
    stranger = await stand.connect("direct")
    assert (await stranger.end())[0] == b""
    for one in (first, second, third, stranger):
        one.close()
