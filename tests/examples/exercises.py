"""What the head of each example says to try, tried. The function's name is the file's, with underscores."""

from __future__ import annotations

import json
import shutil
import signal
import ssl

import trustme

from a3sgw import load_config
from tests.examples.stand import EXAMPLES, Stand
from tests.support.echo import Echo, SecureEcho, echoed, ok
from tests.support.live import fetch, free_port, until
from tests.support.wire import Message
from tests.support.workers import crew


async def minimal(stand: Stand) -> None:
    """The service answers."""
    await stand.echo("APP")
    await stand.start()
    assert echoed(await stand.ask("/"))["name"] == "APP"


async def hosts_and_paths(stand: Stand) -> None:
    """Each request goes where the list says."""
    for name in ("BLOG", "SHOP", "API"):
        await stand.echo(name)
    await stand.start()
    shop = "shop.example"
    assert echoed(await stand.ask("/"))["name"] == "BLOG"
    assert echoed(await stand.ask("/", host=shop))["name"] == "SHOP"
    assert echoed(await stand.ask("/", host=f"de.{shop}"))["name"] == "SHOP"
    assert echoed(await stand.ask("/api", host=shop))["name"] == "API"
    assert (await stand.ask("/api", host=shop, method="DELETE")).status == 404
    assert echoed(await stand.ask("/?preview=1"))["name"] == "API"


async def path_captures(stand: Stand) -> None:
    """One segment, or the rest."""
    await stand.echo("WORLDS")
    await stand.echo("MAPS")
    await stand.start()
    assert echoed(await stand.ask("/worlds/earth"))["name"] == "WORLDS"
    assert echoed(await stand.ask("/worlds/earth/maps/a/b"))["name"] == "MAPS"
    assert (await stand.ask("/worlds/")).status == 404
    assert (await stand.ask("/worlds/earth/moon")).status == 404


async def weighted(stand: Stand) -> None:
    """Three to one; and without one of the two, all to the other."""
    big, small = await stand.echo("BIG"), await stand.echo("SMALL")
    await stand.start()
    names = [echoed(await stand.ask())["name"] for _ in range(8)]
    assert (names.count("BIG"), names.count("SMALL")) == (6, 2)
    await big.stop()
    assert {echoed(await stand.ask())["name"] for _ in range(4)} == {"SMALL"}
    assert small.requests


async def mirror(stand: Stand) -> None:
    """Every second request is copied, without its cookie; answers are compared, and no answer needs the copy's."""

    def different(request: Message) -> bytes:
        fields = b"Content-Type: application/json\r\n"
        return ok(b'{"total": 2, "request_id": 2}' if request.target == b"/wrong" else b'{"total": 1}', fields)

    def right(request: Message) -> bytes:
        return ok(b'{"request_id": 1, "total": 1}', b"Content-Type: application/json\r\n")

    app, shadow = await stand.echo("APP", right), await stand.echo("NEXT", different)
    await stand.start()

    async def counts(**expected: int) -> None:
        lines = {f'a3sgw_service_events_total{{event="{what}",service="app"}} {n}.0' for what, n in expected.items()}

        async def told() -> bool:
            page = (await fetch(stand.gateway.admin_address, "/metrics")).body.decode()
            return lines <= set(page.splitlines())

        await until(told, f"{expected} in the metrics")

    for _ in range(4):
        assert echoed(await stand.ask("/", "Cookie: session=1")) == {"request_id": 1, "total": 1}
    await counts(mirrored=2, mirror_same=2)
    assert [len(one.requests) for one in (app, shadow)] == [4, 2]
    assert {one.get(b"cookie") for one in app.requests} == {b"session=1"}
    assert {one.get(b"cookie") for one in shadow.requests} == {None}
    for _ in range(2):
        await stand.ask("/wrong")
    await counts(mirrored=3, mirror_same=2, mirror_differs_body=1)
    await shadow.stop()
    assert {(await stand.ask()).status for _ in range(4)} == {200}
    await counts(mirror_failed=2)


async def https_endpoint(stand: Stand) -> None:
    """The right authority and name answer; a wrong authority is 502."""
    right, wrong = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    right.issue_cert("internal.example").configure_cert(tls)
    for name, authority in (("right", right), ("wrong", wrong)):
        authority.cert_pem.write_to_path(str(stand.directory / f"{name}.pem"))
    async with SecureEcho("SECURE", tls) as echo:
        stand.set(SECURE=echo.port, CA_FILE=stand.directory / "right.pem")
        await stand.start()
        assert echoed(await stand.ask()) == {"name": "SECURE", "host": f"127.0.0.1:{echo.port}"}
        stand.set(CA_FILE=stand.directory / "wrong.pem")
        assert await stand.gateway.reload()
        assert (await stand.ask()).status == 502


async def unix_endpoint(stand: Stand) -> None:
    """In and out over sockets in the file system."""
    app, listening = stand.directory / "app.sock", stand.directory / "a3sgw.sock"
    stand.set(SOCKET=app, LISTEN=listening)
    async with Echo("APP", path=str(app)):
        await stand.start()
        assert echoed(await stand.ask())["name"] == "APP"
        assert echoed(await fetch(f"unix:{listening}"))["name"] == "APP"


async def headers(stand: Stand) -> None:
    """Set, replaced and deleted, both ways."""
    await stand.echo("APP")
    await stand.start()
    answer = await stand.ask("/", "X-Debug: 1")
    seen = echoed(answer)["fields"]
    assert seen["x-environment"] == "staging"
    assert "x-debug" not in seen
    assert answer.get(b"x-content-type-options") == b"nosniff"
    assert answer.get(b"strict-transport-security") == b"max-age=31536000"
    assert answer.get(b"server") is None


async def strip_prefix(stand: Stand) -> None:
    """The endpoint does not see the prefix, but is told of it."""
    await stand.echo("APP")
    await stand.start()
    seen = echoed(await stand.ask("/app/users?page=2"))
    assert (seen["target"], seen["fields"]["x-forwarded-prefix"]) == ("/users?page=2", "/app")
    assert echoed(await stand.ask("/app"))["target"] == "/"
    assert (await stand.ask("/users")).status == 404


async def ip_allow(stand: Stand) -> None:
    """Whom a trusted proxy names counts, and only there."""
    await stand.echo("APP")
    await stand.start()
    inside, outside = "X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: 203.0.113.9"
    assert (await stand.ask()).status == 403
    assert (await stand.ask("/", inside)).status == 200
    assert (await stand.ask("/", outside)).status == 403
    assert (await stand.ask("/", inside, entrypoint="direct")).status == 403


async def body_limit(stand: Stand) -> None:
    """Small passes; large is 413, declared or not."""
    await stand.echo("APP")
    await stand.start()
    assert (await stand.ask(method="POST", body=b"small")).status == 200
    assert (await stand.ask(method="POST", body=bytes(2000))).status == 413
    wire = await stand.connect()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await wire.send(head + b"7d0\r\n" + bytes(2000) + b"\r\n0\r\n\r\n")
    assert (await wire.message()).status == 413
    wire.close()


async def rate_limit(stand: Stand) -> None:
    """Three pass, the fourth has to wait, another client has not; a saved change gives nobody a new start."""
    await stand.echo("APP")
    await stand.start()
    answers = [await stand.ask() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].get(b"retry-after") in (b"5", b"6")
    assert (await stand.ask("/", "X-Forwarded-For: 203.0.113.9")).status == 200
    changed = stand.directory / "changed.hcl"
    changed.write_text(stand.path.read_text().replace("10 / 60", "11 / 60"))
    assert await stand.gateway.reload(load_config(changed))
    assert (await stand.ask()).status == 429


async def workers(stand: Stand) -> None:
    """The real command: five answers from two workers together; a killed one has a successor, which knows of them."""
    await stand.echo("APP")
    stand.set(PORT=free_port(), ADMIN=free_port())
    async with crew(stand.path) as running:
        pids = await running.workers()
        assert len(pids) == 2
        assert [(await running.fetch()).status for _ in range(7)] == [200] * 5 + [429] * 2
        running.send(signal.SIGKILL, pids[1])
        await running.successor(1, pids[1])
        assert {(await running.fetch()).status for _ in range(4)} == {429}
        running.send(signal.SIGTERM)
        assert await running.ended() == 0


async def forward_auth(stand: Stand) -> None:
    """The auth server decides and names the user; the client's own name never passes; people are led to sign in."""

    def decide(request: Message) -> bytes:
        if request.get(b"authorization") == b"Bearer good":
            return ok(b"", b"X-User: alice\r\n")
        if request.get(b"cookie") == b"session=good":
            return ok(b"", b"X-User: bob\r\nX-User-Team: a\r\nSet-Cookie: session=renewed\r\nSet-Cookie: own=1\r\n")
        return b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"

    await stand.echo("APP")
    auth = await stand.echo("AUTH", decide)
    await stand.start()
    refused = await stand.ask()
    assert (refused.status, refused.get(b"www-authenticate")) == (401, b"Bearer")
    assert auth.requests[0].target == b"/check"
    good = "Authorization: Bearer good"
    assert echoed(await stand.ask("/", good))["fields"]["x-user"] == "alice"
    assert echoed(await stand.ask("/", good, "X-User: root"))["fields"]["x-user"] == "alice"
    stranger = await stand.ask("/web/?page=2", good)
    back = b"http%3A%2F%2F127.0.0.1%2Fweb%2F%3Fpage%3D2"
    assert (stranger.status, stranger.get(b"location")) == (302, b"https://login.example/?back=" + back)
    guest = await stand.ask("/web/", "Cookie: session=good", "X-User-Role: root")
    seen = echoed(guest)["fields"]
    assert (seen["x-user"], seen["x-user-team"], "x-user-role" in seen) == ("bob", "a", False)
    assert guest.all(b"set-cookie") == [b"session=renewed"]


async def timeouts_and_limits(stand: Stand) -> None:
    """504, 431, 414 and 408, with shorter times than the example's."""
    stand.set(REQUEST_TIMEOUT="200ms", HEADER_TIMEOUT="200ms")
    app = await stand.echo("APP")
    await stand.start()
    assert (await stand.ask()).status == 200
    app.wait.clear()
    assert (await stand.ask("/slow")).status == 504
    app.wait.set()
    assert (await stand.ask("/", f"X-Long: {'x' * 5000}")).status == 431
    assert (await stand.ask("/" + "x" * 5000)).status == 414
    wire = await stand.connect()
    await wire.send(b"GET / HTTP/1.1\r\n")
    assert (await wire.message()).status == 408
    wire.close()


async def access_log_and_metrics(stand: Stand) -> None:
    """The request is in the log, in the metrics, and the management API answers."""
    log = stand.directory / "access.log"
    stand.set(ACCESS_LOG=log)
    await stand.echo("APP")
    await stand.start()
    assert (await stand.ask("/hello")).status == 200
    admin = stand.gateway.admin_address
    await until(log.read_text, "the line is written")
    line = json.loads(log.read_text())
    assert (line["path"], line["status"], line["router"]) == ("/hello", 200, "all")
    metrics = (await fetch(admin, "/metrics")).body
    assert b'a3sgw_router_requests_total{code="2xx",method="GET",router="all"} 1' in metrics
    assert json.loads((await fetch(admin, "/health/detailed")).body)["status"] == "healthy"
    assert "all" in json.loads((await fetch(admin, "/api/gateway/config")).body)["routers"]
    log.rename(stand.directory / "access.log.1")
    stand.gateway.reopen_logs()
    await until(log.exists, "the log is opened anew")


async def directory(stand: Stand) -> None:
    """A second file is taken up; a broken one disables nothing and is reported."""
    files = stand.directory / "conf.d"
    shutil.copytree(EXAMPLES / "conf.d", files)
    stand.set(CONF_D=files)
    await stand.echo("APP")
    await stand.start()

    async def answers(host: str) -> bool:
        return (await stand.ask(host=host)).status == 200

    assert await answers("blog.example")
    assert not await answers("wiki.example")
    text = (files / "blog.hcl").read_text()
    (files / "wiki.hcl").write_text(text.replace("blog", "wiki"))
    await until(lambda: answers("wiki.example"), "the new file is taken up")
    (files / "wiki.hcl").write_text("routers {")
    await until(stand.gateway.problems, "the broken file is reported")
    report = json.loads((await fetch(stand.gateway.admin_address, "/api/gateway/problems")).body)
    assert str(files / "wiki.hcl") in report["problems"][0]["place"]
    assert await answers("blog.example")
    assert await answers("wiki.example")


async def locals_and_templates(stand: Stand) -> None:
    """Each region has its router and its mark."""
    one, two = await stand.echo("ONE"), await stand.echo("TWO")
    stand.set(APPS=f"{one.port},{two.port}")
    await stand.start()
    marks = (b"x-region", b"x-stage")
    europe = await stand.ask(host="eu.shop.example")
    assert [europe.get(name) for name in marks] == [b"EU", b"test"]
    assert (await stand.ask(host="us.shop.example")).get(b"x-region") == b"US"
    assert (await stand.ask(host="shop.example")).status == 404
    stand.set(STAGE="production")
    assert await stand.gateway.reload()
    assert (await stand.ask(host="eu.shop.example")).get(b"x-stage") == b"production"
