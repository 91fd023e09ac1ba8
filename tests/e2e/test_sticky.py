"""Clients that come back to the endpoint they had."""

from __future__ import annotations

from collections import Counter

from tests.support.gateway import Running, config, gateway
from tests.support.origin import Origin
from tests.support.parts import answers
from tests.support.services import GET
from tests.support.wire import Message


def with_field(field: bytes) -> bytes:
    """A request with one more field."""
    return GET.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n")


def cookie(answer: Message) -> bytes:
    """Name and value of the one cookie that was set."""
    (line,) = answer.all(b"set-cookie")
    return line.split(b";")[0]


async def bodies(running: Running, request: bytes, times: int = 6) -> Counter[bytes]:
    """What so many answers say."""
    return Counter([(await running.ask(request)).body for _ in range(times)])


class Three:
    """Three endpoints that say who they are."""

    def __init__(self) -> None:
        self.origins = [Origin() for _ in range(3)]
        self.urls = [one.url for one in self.origins]

    async def __aenter__(self) -> Three:
        for one in self.origins:
            await one.__aenter__()
            one.play(answers(200, one.url.encode()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self.origins:
            await one.__aexit__(None, None, None)


async def test_a_cookie() -> None:
    """The first answer sets it, with its attributes; who sends it stays, and is told nothing again."""
    options = 'cookie = "srv"\n secure = true\n http_only = true\n same_site = "strict"\n max_age = "1h"'
    options += '\n domain = "a.example"'
    async with Three() as three, gateway(config(*three.urls, balancer=f"sticky {{\n {options}\n}}")) as running:
        first = await running.ask(GET)
        (line,) = first.all(b"set-cookie")
        assert line.startswith(b"srv=")
        assert line.partition(b";")[2] == (
            b" Path=/; Domain=a.example; Max-Age=3600; Secure; HttpOnly; SameSite=Strict"
        )
        assert b"127.0.0.1" not in line
        assert str(three.origins[0].port).encode() not in line
        back = await running.ask(with_field(b"Cookie: other=1; " + cookie(first) + b"; more=2"))
        assert back.body == first.body
        assert back.all(b"set-cookie") == []
        assert await bodies(running, with_field(b"Cookie: " + cookie(first))) == {first.body: 6}
        assert len(await bodies(running, GET)) == 3


async def test_a_forged_cookie() -> None:
    """It binds nobody: a new one is set."""
    async with Three() as three, gateway(config(*three.urls, balancer='sticky { cookie = "srv" }')) as running:
        for value in (b"AAAAAAAAAAAAAAAA", b"", b"\xff", b"x" * 4000, b"http://127.0.0.1:1"):
            answer = await running.ask(with_field(b"Cookie: srv=" + value))
            assert answer.status == 200
            assert cookie(answer).startswith(b"srv=")


async def test_a_cookie_that_is_too_old() -> None:
    """With a ttl it holds for so long and no longer."""
    async with Three() as three, gateway(config(*three.urls, balancer='sticky { ttl = "0.5s" }')) as running:
        first = await running.ask(GET)
        while not (again := await running.ask(with_field(b"Cookie: " + cookie(first)))).all(b"set-cookie"):
            assert again.body == first.body
        assert cookie(again) != cookie(first)


async def test_a_draining_endpoint_keeps_its_clients() -> None:
    """And gets no new ones; one with weight 0 alike."""
    async with Three() as three, gateway(config(*three.urls, balancer="sticky {}")) as running:
        first = await running.ask(GET)
        bound = with_field(b"Cookie: " + cookie(first))
        running.gateway.drain("origin", first.body.decode())
        assert await bodies(running, bound) == {first.body: 6}
        assert first.body not in await bodies(running, GET, 9)
        running.gateway.drain("origin", first.body.decode(), False)
        running.gateway.weigh("origin", first.body.decode(), 0)
        assert await bodies(running, bound) == {first.body: 6}
        assert first.body not in await bodies(running, GET, 9)


async def test_an_endpoint_that_is_gone() -> None:
    """Its clients get another one, and a new cookie."""
    async with Three() as three, gateway(config(*three.urls, balancer="sticky {}")) as running:
        first = await running.ask(GET)
        gone = next(one for one in three.origins if one.url.encode() == first.body)
        await gone.leave()
        again = await running.ask(with_field(b"Cookie: " + cookie(first)))
        assert again.status == 200
        assert again.body != first.body
        assert cookie(again) != cookie(first)


async def test_a_header() -> None:
    """Instead of a cookie: answers carry a field that clients send back."""
    sticky = 'sticky {\n mode = "header"\n header = "X-Session"\n}'
    async with Three() as three, gateway(config(*three.urls, balancer=sticky)) as running:
        first = await running.ask(GET)
        session = first.get(b"x-session")
        assert session is not None
        assert await bodies(running, with_field(b"x-session: " + session)) == {first.body: 6}
        assert (await running.ask(with_field(b"x-session: " + session))).get(b"x-session") is None


async def test_the_address() -> None:
    """Without any field: who comes from one address gets one endpoint."""
    sticky = 'sticky { mode = "ip" }'
    trusted = 'trusted_ips = ["127.0.0.1"]'
    async with Three() as three, gateway(config(*three.urls, balancer=sticky, entrypoint=trusted)) as running:
        seen = set()
        for number in range(30):
            found = await bodies(running, with_field(b"X-Forwarded-For: 192.0.2.%d" % number), 2)
            assert len(found) == 1
            seen |= set(found)
        assert len(seen) == 3


async def test_a_secret_is_the_same_everywhere() -> None:
    """Two gateways with one secret know each other's cookies; without one they do not."""
    async with Three() as three:
        for secret, known in (('secret = "s3cret"', True), ("", False)):
            hcl = config(*three.urls, balancer=f"sticky {{\n {secret}\n}}")
            async with gateway(hcl) as one, gateway(hcl) as two:
                first = await one.ask(GET)
                there = await two.ask(with_field(b"Cookie: " + cookie(first)))
                assert (there.all(b"set-cookie") == []) is known


async def test_all_of_them_drain() -> None:
    """Their clients go on; whoever is new has nobody."""
    async with Three() as three, gateway(config(*three.urls, balancer="sticky {}")) as running:
        first = await running.ask(GET)
        for url in three.urls:
            running.gateway.drain("origin", url)
        assert await bodies(running, with_field(b"Cookie: " + cookie(first))) == {first.body: 6}
        assert (await running.ask(GET)).status == 503


async def test_revisions_bind_too() -> None:
    """A client stays with its revision, and with its endpoint there; each has a cookie of its own."""
    async with Three() as three:
        listed = [", ".join(f'{{ url = "{url}" }}' for url in urls) for urls in (three.urls[:2], three.urls[2:])]
        revisions = f"""
          revisions = [
            {{ name = "v1", traffic_percent = 50, servers = [{listed[0]}] }},
            {{ name = "v2", traffic_percent = 50, servers = [{listed[1]}] }}
          ]"""
        hcl = config("http://127.0.0.1:9", balancer='sticky { cookie = "srv" }', service=revisions)
        async with gateway(hcl) as running:
            for _ in range(4):
                first = await running.ask(GET)
                cookies = b"; ".join(line.split(b";")[0] for line in first.all(b"set-cookie"))
                assert cookies.count(b"srv") == 2
                assert await bodies(running, with_field(b"Cookie: " + cookies)) == {first.body: 6}
