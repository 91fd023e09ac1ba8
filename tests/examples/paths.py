"""Examples of what changes paths and sends clients elsewhere."""

from __future__ import annotations

from tests.examples.stand import Stand
from tests.support.echo import echoed


async def paths(stand: Stand) -> None:
    """Each target becomes what the head says."""
    app = await stand.echo("APP")
    await stand.start()
    for asked, got in (
        ("/v12/users", "/users"),
        ("/static/a.css", "/public/static/a.css"),
        ("/status?all", "/internal/health?all"),
        ("/downloads/a/b.zip", "/files/b.zip/a"),
        ("/shop/de/books?q=1", "/de/books?shop=1&q=1"),
        ("/old/x", "/new/x"),
    ):
        assert echoed(await stand.ask(asked))["target"] == got
    seen = app.requests
    assert seen[0].get(b"x-forwarded-prefix") == b"/v12"
    assert seen[2].get(b"x-replaced-path") == b"/status"
    assert seen[4].get(b"host") == b"de.shop.internal"


async def redirects(stand: Stand) -> None:
    """Everybody is sent where the head says, and a POST stays one."""
    await stand.start()
    for host, target, method, status, location in (
        ("shop.example", "/a?b", "GET", 302, b"https://shop.example/a?b"),
        ("www.shop.example", "/a", "GET", 301, b"http://shop.example/a"),
        ("www.shop.example", "/a", "POST", 308, b"http://shop.example/a"),
        ("old.example", "/item/7", "GET", 302, b"https://shop.example/products/7"),
    ):
        answer = await stand.ask(target, host=host, method=method)
        assert (answer.status, answer.get(b"location")) == (status, location)
    assert (await stand.ask("/other", host="old.example")).status == 503
