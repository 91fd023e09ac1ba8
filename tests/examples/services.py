"""What the heads of the examples about services say to try, tried: endpoints that are chosen, come, go and fail."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any

from a3sgw.tasks import spawn
from tests.examples.stand import Stand
from tests.support.echo import Echo, echoed
from tests.support.live import until
from tests.support.process import run
from tests.support.wire import Message, Wire


class Mood:
    """An answer whose status can be changed: 0 for an echo's own. `health` is what `/health` answers with."""

    def __init__(self, name: str, status: int = 0, health: int = 200) -> None:
        self.name = name
        self.status = status
        self.health = health

    def __call__(self, request: Message) -> bytes:
        status = self.health if request.target == b"/health" else self.status or 200
        reason, body = HTTPStatus(status).phrase, f'{{"name": "{self.name}"}}'
        return f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def names(stand: Stand, target: str = "/", *fields: str, times: int = 6) -> Counter[str]:
    """Who answers so many requests."""
    return Counter([echoed(await stand.ask(target, *fields))["name"] for _ in range(times)])


def endpoint(stand: Stand, echo: Echo, service: str = "app") -> dict[str, Any]:
    """What the gateway says of this endpoint."""
    found: dict[str, Any] = next(
        one for one in stand.gateway.health()["services"][service] if one["url"] == f"http://127.0.0.1:{echo.port}"
    )
    return found


def events(stand: Stand, service: str = "app") -> dict[str, int]:
    """What it has counted at a service."""
    counted: dict[str, int] = stand.gateway.health()["events"].get(service, {})
    return counted


def cookie(answer: Message) -> str:
    """The field that a client sends after this answer."""
    return f"Cookie: {(answer.get(b'set-cookie') or b'').decode().partition(';')[0]}"


async def balancing(stand: Stand) -> None:
    """In turn; by chance; and by tenant, where the others stay when one endpoint goes."""
    three = [await stand.echo(name) for name in ("ONE", "TWO", "THREE")]
    await stand.start()
    assert await names(stand, "/pages/") == {"ONE": 2, "TWO": 2, "THREE": 2}
    assert sum((await names(stand, "/reports/")).values()) == 6
    assert sum((await names(stand, "/search/")).values()) == 6
    tenants = {}
    for number in range(30):
        (tenants[number],) = await names(stand, "/tenants/", f"X-Tenant: {number}", times=2)
    assert set(tenants.values()) == {"ONE", "TWO", "THREE"}
    await three[2].stop()
    for number, name in tenants.items():
        (now,) = await names(stand, "/tenants/", f"X-Tenant: {number}", times=1)
        assert now == name if name != "THREE" else now in ("ONE", "TWO")


async def health_checks(stand: Stand) -> None:
    """Who says that it is not well gets nothing until it says otherwise; who is gone is not noticed."""
    stand.set(INTERVAL="50ms", SLOW_START="0s")
    mood = Mood("ONE")
    one, two = await stand.echo("ONE", mood), await stand.echo("TWO")
    await stand.start()
    assert await names(stand) == {"ONE": 3, "TWO": 3}
    mood.health = 503
    await until(lambda: endpoint(stand, one)["health"] == "unhealthy", "it is out")
    assert endpoint(stand, one)["last_probe_failure"]
    assert await names(stand) == {"TWO": 6}
    mood.health = 200
    await until(lambda: endpoint(stand, one)["health"] == "healthy", "it is back")
    assert await names(stand) == {"ONE": 3, "TWO": 3}
    await two.leave()
    assert await names(stand) == {"ONE": 6}


async def sticky(stand: Stand) -> None:
    """By cookie, also while its endpoint drains and not when it is gone; by header; by address."""
    echoes = {name: await stand.echo(name) for name in ("ONE", "TWO")}
    await stand.start()
    first = await stand.ask()
    mine = echoed(first)["name"]
    (other,) = echoes.keys() - {mine}
    assert (first.get(b"set-cookie") or b"").endswith(b"; Path=/; HttpOnly; SameSite=Lax")
    assert await names(stand, "/", cookie(first)) == {mine: 6}
    assert (await stand.ask("/", cookie(first))).get(b"set-cookie") is None
    token = (await stand.ask("/api/")).get(b"x-session") or b""
    assert len(await names(stand, "/api/")) == 2
    assert len(await names(stand, "/api/", f"X-Session: {token.decode()}")) == 1
    by_address = [await names(stand, "/by-address/", f"X-Forwarded-For: 192.0.2.{last}") for last in range(20)]
    assert {len(one) for one in by_address} == {1}
    assert {name for one in by_address for name in one} == echoes.keys()
    url = endpoint(stand, echoes[mine])["url"]
    code, said, _ = await run("server", "drain", "app", url, "--admin", stand.gateway.admin_address)
    assert (code, said.startswith(url)) == (0, True)
    assert await names(stand, "/", cookie(first)) == {mine: 6}
    assert await names(stand) == {other: 6}
    await echoes[mine].leave()
    moved = await stand.ask("/", cookie(first))
    assert echoed(moved)["name"] == other
    assert await names(stand, "/", cookie(moved)) == {other: 6}


async def failover(stand: Stand) -> None:
    """On a status, when it is gone, and down to the last resort; and back."""
    stand.set(INTERVAL="50ms", RETURN_AFTER="100ms")
    mood = Mood("FIRST", 503)
    first = await stand.echo("FIRST", mood)
    second, _ = await stand.echo("SECOND"), await stand.echo("SORRY")
    await stand.start()
    assert echoed(await stand.ask(method="POST", body=b"order"))["name"] == "SECOND"
    assert (first.requests[-1].body, second.requests[-1].body) == (b"order", b"order")
    mood.status = 0
    assert await names(stand) == {"FIRST": 6}
    await first.leave()
    assert await names(stand) == {"SECOND": 6}
    await until(lambda: endpoint(stand, first)["health"] == "unhealthy", "it is out")
    await second.leave()
    assert await names(stand) == {"SORRY": 6}
    assert events(stand)["failovers"] == 13


async def canary(stand: Stand) -> None:
    """One of ten; none of ten once a client is bound to the old one; and the same with revisions."""
    await stand.echo("OLD")
    await stand.echo("NEW")
    await stand.start()
    assert await names(stand, times=20) == {"OLD": 18, "NEW": 2}
    assert await names(stand, "/api/", times=20) == {"OLD": 18, "NEW": 2}
    assert (await stand.ask("/api/")).get(b"set-cookie") is None
    for _ in range(10):
        first = await stand.ask()
        assert await names(stand, "/", cookie(first), times=10) == {echoed(first)["name"]: 10}


async def retries(stand: Stand) -> None:
    """A 503 is not what the client gets, whatever the method; a router may say otherwise."""
    mood = Mood("ONE", 503)
    one, two = await stand.echo("ONE", mood), await stand.echo("TWO")
    await stand.start()
    assert await names(stand) == {"TWO": 6}
    assert echoed(await stand.ask(method="POST", body=b"order"))["name"] == "TWO"
    assert two.requests[-1].body == b"order"
    assert events(stand)["retries"] == len(one.requests)
    assert b"1" in {request.get(b"x-retry-count") for request in two.requests}
    paid = [(await stand.ask("/payments/", method="POST", body=b"order")).status for _ in range(2)]
    assert sorted(paid) == [200, 503]
    mood.status = 0
    await one.leave()
    assert await names(stand) == {"TWO": 6}


async def circuit_breaker(stand: Stand) -> None:
    """Five failures open it, its fallback answers, and two good answers close it; endpoints have their own."""
    stand.set(COOLDOWN="200ms")
    mood = Mood("ONE", 500)
    one, _ = await stand.echo("ONE", mood), await stand.echo("TWO")
    await stand.start()
    seen = [await stand.ask() for _ in range(8)]
    assert [answer.status for answer in seen] == [500] * 5 + [200] * 3
    assert [answer.body for answer in seen[5:]] == [b"[]"] * 3
    assert stand.gateway.health()["circuit_breakers"] == {"recommendations": "open"}
    statuses = Counter([(await stand.ask("/app/")).status for _ in range(10)])
    assert statuses == {500: 3, 200: 7}
    assert endpoint(stand, one)["circuit_breaker"] == "open"
    mood.status = 0

    async def closed() -> bool:
        await stand.ask()
        return bool(stand.gateway.health()["circuit_breakers"]["recommendations"] == "closed")

    await until(closed, "it goes on")
    assert await names(stand) == {"ONE": 6}


async def capacity(stand: Stand) -> None:
    """Two at once for each, the others wait; eight in all; and half of it when half of the endpoints are gone."""
    stand.set(INTERVAL="50ms")
    both = [await stand.echo("ONE"), await stand.echo("TWO")]
    await stand.start()
    for echo in both:
        echo.wait.clear()
    async with AsyncExitStack() as stack:
        wires = [await _sent(stand, stack) for _ in range(8)]
        await until(lambda: events(stand).get("queued") == 4, "four wait")
        assert [len(echo.requests) for echo in both] == [2, 2]
        refused = await stand.ask()
        assert (refused.status, refused.get(b"retry-after")) == (503, b"1")
        for echo in both:
            echo.wait.set()
        assert [(await wire.message()).status for wire in wires] == [200] * 8
    await both[1].leave()
    await until(lambda: endpoint(stand, both[1])["health"] == "unhealthy", "it is out")
    both[0].wait.clear()
    async with AsyncExitStack() as stack:
        wires = [await _sent(stand, stack) for _ in range(2)]
        await until(lambda: endpoint(stand, both[0])["in_flight"] == 2, "both are there")
        assert (await stand.ask("/batch/")).status == 503
        wires += [await _sent(stand, stack, "/checkout/") for _ in range(2)]
        await until(lambda: events(stand)["queued"] == 6, "what matters waits")
        assert events(stand)["shed"] == 1
        both[0].wait.set()
        assert [(await wire.message()).status for wire in wires] == [200] * 4


async def _sent(stand: Stand, stack: AsyncExitStack, target: str = "/") -> Wire:
    wire = await stand.connect()
    stack.callback(wire.close)
    await wire.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return wire


async def drain(stand: Stand) -> None:
    """The commands of its head, and an application that asks for it itself."""
    said = ["drain"]

    def answer(request: Message) -> bytes:
        field = f"X-A3S-Server: {said[0]}\r\n" if request.target == b"/leaving" else ""
        return f'HTTP/1.1 200 OK\r\n{field}Content-Length: 15\r\n\r\n{{"name": "TWO"}}'.encode()

    one, two = await stand.echo("ONE"), await stand.echo("TWO", answer)
    await stand.start()
    admin = ("--admin", stand.gateway.admin_address)
    urls = [f"http://127.0.0.1:{echo.port}" for echo in (one, two)]
    code, listed, _ = await run("server", "list", *admin)
    assert (code, [url in listed for url in urls]) == (0, [True, True])
    one.wait.clear()
    async with AsyncExitStack() as stack:
        running = []
        while not one.requests:
            running.append(await _sent(stand, stack))
            await until(lambda: len(one.requests) + len(two.requests) == len(running), "it is there")
        waiting = spawn(run("server", "drain", "app", urls[0], "--wait", *admin), "drain")
        await until(lambda: endpoint(stand, one)["draining"], "it drains")
        assert await names(stand) == {"TWO": 6}
        assert not waiting.done()
        one.wait.set()
        assert [(await wire.message()).status for wire in running] == [200] * len(running)
        assert (await waiting)[0] == 0
    assert (await run("server", "enable", "app", urls[0], *admin))[0] == 0
    assert await names(stand) == {"ONE": 3, "TWO": 3}
    assert (await run("server", "weight", "app", urls[1], "2", *admin))[0] == 0
    assert await names(stand) == {"ONE": 2, "TWO": 4}
    assert (await run("server", "weight", "app", urls[1], "default", *admin))[0] == 0
    last = await stand.ask("/leaving")
    last = last if echoed(last)["name"] == "TWO" else await stand.ask("/leaving")
    assert last.get(b"x-a3s-server") is None
    assert await names(stand) == {"ONE": 6}


async def dns(stand: Stand) -> None:
    """By an address that the name stands for; and by whatever the system says."""
    app = await stand.echo("APP")
    await stand.start()
    assert await names(stand) == {"APP": 6}
    known = {one["url"]: one for one in stand.gateway.health()["services"]["app"]}
    assert known[f"http://127.0.0.1:{app.port}"]["server"] == f"http://app.localhost:{app.port}"
    assert await names(stand, "/by-system/") == {"APP": 6}
