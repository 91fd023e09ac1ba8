"""Copies of requests on real sockets: what the mirror gets, and that the client notices nothing of it (T-46)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.gateway import Running, gateway
from tests.support.live import until
from tests.support.origin import OK, Origin
from tests.support.recorder import Recorder
from tests.support.wire import Message, Wire

GET = b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a.example\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Mirrored:
    """A client, a gateway, an endpoint, and the mirror's endpoint."""

    def __init__(self, running: Running, main: Origin, shadow: Origin, client: Wire) -> None:
        self.running = running
        self.main = main
        self.shadow = shadow
        self.client = client

    @property
    def counted(self) -> dict[str, int]:
        """What has happened at the service."""
        return self.running.gateway.metrics().totals()["services"].get("origin", {})

    async def ended(self, **counted: int) -> None:
        """Wait until just this was counted."""
        await until(lambda: sum(self.counted.values()) >= sum(counted.values()), f"{counted} is counted")
        assert self.counted == counted

    async def ask(self, request: bytes = GET) -> Message:
        """The answer to a request on the client's connection."""
        await self.client.send(request)
        return await self.client.message()


@asynccontextmanager
async def mirrored(options: str = "", router: str = "", service: str = "", more: str = "") -> AsyncIterator[Mirrored]:
    """All of it, with these texts in the mirror's block, the router's, the service's, and beside them."""
    async with Origin() as main, Origin() as shadow:
        hcl = f"""
        shutdown_timeout_secs = 1
        entrypoints "web" {{
          address    = "127.0.0.1:0"
          request_id = true
        }}
        routers "all" {{
          rule    = "PathPrefix(`/`)"
          service = "origin"
          {router}
        }}
        services "origin" {{
          load_balancer {{ servers = [{{ url = "{main.url}" }}] }}
          mirror {{
            service = "shadow"
            {options}
          }}
          {service}
        }}
        services "shadow" {{
          load_balancer {{ servers = [{{ url = "{shadow.url}" }}] }}
        }}
        {more}
        """
        async with gateway(hcl) as running:
            yield Mirrored(running, main, shadow, await running.connect())


async def test_the_mirror_gets_what_the_endpoint_gets() -> None:
    """Line, fields and body, forwarding and request id included; only the framing is its own."""
    async with mirrored() as on:
        on.main.always()
        on.shadow.always()
        assert (await on.ask(GET)).body == b"ok"
        assert (await on.ask(POST + b"Content-Length: 3\r\nTE: trailers\r\nConnection: TE\r\n\r\nabc")).body == b"ok"
        assert (await on.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")).body == b"ok"
        await on.ended(mirrored=3)
        own = (b"content-length", b"transfer-encoding", b"te", b"connection")
        for sent, copied in zip(on.main.requests, on.shadow.requests, strict=True):
            assert copied.line == sent.line
            assert copied.body == sent.body
            assert copied.get(b"x-request-id")
            fields = [[field for field in one.fields if field[0].lower() not in own] for one in (sent, copied)]
            assert fields[0] == fields[1]
        assert [one.get(b"content-length") for one in on.shadow.requests] == [None, b"3", b"3"]
        assert {name for one in on.shadow.requests for name in one.names}.isdisjoint(own[1:])


async def test_credentials_stay_here() -> None:
    """The endpoint gets them, the mirror does not."""
    async with mirrored() as on:
        on.main.always()
        on.shadow.always()
        await on.ask(GET[:-2] + b"Authorization: Basic eA==\r\nCookie: a=b\r\nX-Api-Key: k\r\nAccept: */*\r\n\r\n")
        await on.ended(mirrored=1)
        secrets = {b"authorization", b"cookie", b"x-api-key"}
        assert secrets < set(on.main.requests[0].names)
        assert secrets.isdisjoint(on.shadow.requests[0].names)
        assert on.shadow.requests[0].get(b"accept") == b"*/*"


async def test_a_share_of_the_requests() -> None:
    """Ten percent of a hundred are ten, and every tenth."""
    async with mirrored("percentage = 10") as on:
        on.main.always()
        on.shadow.always()
        for number in range(100):
            await on.ask(b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n" % number)
        await on.ended(mirrored=10)
        numbers = [int(one.target[1:]) for one in on.shadow.requests]
        assert [later - earlier for earlier, later in pairwise(numbers)] == [10] * 9


async def test_a_mirror_that_hangs() -> None:
    """The client has its answers, and asks again on the same connection, while the mirror still has not said a word."""
    async with mirrored() as on:
        on.main.always()
        assert (await on.ask()).body == b"ok"
        there = await on.shadow.accept()
        await there.message()
        for _ in range(3):
            assert (await on.ask()).body == b"ok"
        assert on.counted == {}
        await there.send(OK)
        await on.ended(mirrored=1)


async def test_a_mirror_that_answers_first() -> None:
    """Its answer is not the client's."""
    async with mirrored() as on:
        on.shadow.always(b"HTTP/1.1 500 Wrong\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nwrong")
        await on.client.send(GET)
        there = await on.main.accept()
        await there.message()
        await on.ended(mirrored=1)
        await there.send(OK)
        answer = await on.client.message()
        assert (answer.status, answer.body, answer.get(b"set-cookie")) == (200, b"ok", None)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", b"\0\r\n\r\n"]
)
async def test_a_mirror_that_breaks(said: bytes) -> None:
    """It is counted, not sent again, and no answer changes; here while the client still waits for its own."""
    async with mirrored() as on:
        await on.client.send(GET)
        main = await on.main.accept()
        await main.message()
        shadow = await on.shadow.accept()
        await shadow.message()
        await shadow.send(said)
        shadow.reset()
        await on.ended(mirror_failed=1)
        await main.send(OK)
        assert (await on.client.message()).body == b"ok"
    assert [one["status"] for one in on.running.records] == [200]


async def test_a_mirror_that_is_gone() -> None:
    """Nobody listens there, and nobody misses it."""
    async with mirrored() as on:
        on.main.always()
        on.shadow.refuse()
        assert [(await on.ask()).status for _ in range(3)] == [200] * 3
        await on.ended(mirror_failed=3)


@pytest.mark.parametrize(
    "framed",
    [b"Content-Length: 9\r\n\r\n123456789", b"Transfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n"],
)
async def test_large_bodies_are_not_copied(framed: bytes) -> None:
    """Those up to the limit are; the endpoint gets them all."""
    for limit, counted in ((8, {"mirror_too_large": 1}), (9, {"mirrored": 1})):
        async with mirrored(f"max_body_bytes = {limit}") as on:
            on.main.always()
            on.shadow.always()
            assert (await on.ask(POST + framed)).status == 200
            await on.ended(**counted)
            assert on.main.requests[0].body == b"123456789"
            assert len(on.shadow.requests) == counted.get("mirrored", 0)


async def test_what_middlewares_made_of_a_request_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is of what the endpoint got, and the comparison of what it said, not of what the client sees."""
    installed = tmp_path / "recorder-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: recorder\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[a3sgw.middlewares]\nrecorder = tests.support.recorder\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Recorder, "notes", [])
    more = """
    middlewares "changed" {
      type = "recorder"
      name = "changed"
      tail = "!"
    }
    """
    async with mirrored("compare {}", 'middlewares = ["changed"]', more=more) as on:
        on.main.always()
        on.shadow.always()
        assert (await on.ask(POST + b"Content-Length: 3\r\n\r\nabc")).body == b"OK!"
        await on.ended(mirrored=1, mirror_same=1)
        assert [one.requests[0].body for one in (on.main, on.shadow)] == [b"ABC!", b"ABC!"]


async def test_a_request_that_is_sent_twice_is_copied_once() -> None:
    """A retry makes no second copy."""
    async with mirrored(service="retries { retry_interval_ms = 0 }") as on:
        on.shadow.always()
        await on.client.send(GET)
        there = await on.main.accept()
        await there.message()
        there.reset()
        on.main.always()
        assert (await on.client.message()).body == b"ok"
        await until(lambda: on.counted.get("mirrored") == 1, "the copy is answered")
        assert on.counted == {"mirrored": 1, "retries": 1}
        assert len(on.shadow.requests) == 1


async def test_an_upload_that_breaks_off_is_not_copied() -> None:
    """Half a request goes nowhere."""
    async with mirrored() as on:
        on.shadow.always()
        await on.client.send(POST + b"Content-Length: 9\r\n\r\nabc")
        there = await on.main.accept()
        await there.head()
        assert await there.read(3) == b"abc"
        on.client.reset()
        await there.end()
        on.main.always()
        assert (await on.running.ask(GET)).status == 200
        await on.ended(mirrored=1)
        assert [one.method for one in on.shadow.requests] == [b"GET"]


async def test_a_client_that_leaves() -> None:
    """The mirror may finish; there is nothing to compare its answer with."""
    async with mirrored("compare {}") as on:
        await on.client.send(GET)
        main, shadow = await on.main.accept(), await on.shadow.accept()
        await shadow.message()
        on.client.reset()
        await main.end()
        assert on.counted == {}
        await shadow.send(OK)
        await on.ended(mirrored=1, mirror_not_compared=1)


async def test_an_endpoint_that_fails() -> None:
    """What the gateway answers instead is not compared."""
    async with mirrored("compare {}") as on:
        on.shadow.always()
        await on.client.send(GET)
        there = await on.main.accept()
        await there.message()
        there.reset()
        assert (await on.client.message()).status == 502
        await on.ended(mirrored=1, mirror_not_compared=1)


async def test_a_gateway_that_stops() -> None:
    """It does not wait for copies: a mirror cannot keep it from ending."""
    async with mirrored() as on:
        on.main.always()
        assert (await on.ask()).body == b"ok"
        there = await on.shadow.accept()
        await there.message()
        await on.running.gateway.shutdown()
        assert on.running.gateway.state() == "stopped"
        assert on.counted == {}
        await there.send(OK)
        await on.ended(mirrored=1)


async def test_answers_are_compared() -> None:
    """However they are framed, and in how many pieces they come."""
    async with mirrored('compare { ignore_fields = ["at"] }') as on:
        on.main.always(JSON + b'Content-Length: 16\r\n\r\n{"a":1, "at": 5}')
        on.shadow.always(JSON + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n')
        await on.ask()
        await on.ended(mirrored=1, mirror_same=1)
    async with mirrored("compare {}") as on:
        on.main.always(JSON + b'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":2}\r\n0\r\n\r\n')
        on.shadow.always(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        assert (await on.ask()).body == b'{"a":2}'
        await on.ended(mirrored=1, mirror_differs_status=1, mirror_differs_body=1)
