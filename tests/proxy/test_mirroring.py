"""One copy at a time, against a mirror that does what the test tells it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import cast

import pytest

from a3sgw import load_config
from a3sgw.control.messages import EndpointDrain
from a3sgw.http.message import Request, Response
from a3sgw.proxy.mirroring import Copy
from a3sgw.service.build import Builder, Surroundings
from a3sgw.service.mirror import MirrorNode
from a3sgw.sweeper import Sweeper
from a3sgw.upstream.endpoint import Endpoint
from tests.support.live import until
from tests.support.origin import OK, Origin

OWN = b"X-Forwarded-For: 192.0.2.1\r\nX-Request-Id: 17\r\n"
SECRETS = (
    b"Authorization: Basic eA==\r\nproxy-authorization: y\r\nCookie: a=b\r\ncookie: c=d\r\n"
    b"X-API-Key: k\r\nX_Api_Key: k\r\n"
)


class Mirrored:
    """A service with a mirror, and what was counted of it."""

    def __init__(self, url: str, options: str = "", target: str = "", main: str = "", more: str = "") -> None:
        """The texts go into the blocks of the mirror, of the balancers of its target and of the service itself, and of
        the target."""
        self.counts: Counter[str] = Counter()
        services = load_config(f"""
            entrypoints "web" {{ address = "127.0.0.1:0" }}
            services "origin" {{
              load_balancer {{
                servers = [{{ url = "http://192.0.2.1" }}]
                {main}
              }}
              mirror {{
                service = "shadow"
                {options}
              }}
            }}
            services "shadow" {{
              load_balancer {{
                servers = [{{ url = "{url}" }}]
                {target}
              }}
              {more}
            }}
            """).services
        around = Surroundings(Sweeper(), counter=lambda service: lambda what: self.counts.update([f"{service} {what}"]))
        builder = Builder(services, around, {}, {}, {}, {})
        self.node = cast(MirrorNode, builder.build("origin"))
        self.service = builder.services["shadow"]
        self.endpoint: Endpoint = self.service.endpoints[0]

    def send(self, request: Request | None = None, pieces: list[bytes] | None = None) -> Copy | None:
        """Copy a request, by default a GET."""
        return Copy.send(self.node, request or asked(), OWN, pieces)

    async def ended(self, *counted: str) -> None:
        """Wait until no copy is under way; just this was counted of the service, and nothing is held any more."""
        await until(lambda: not self.node.running, "the copies end")
        await until(lambda: self.counted.total() >= len(counted), "the copies are counted")
        assert self.counted == Counter(counted)
        assert self.endpoint.in_flight == 0

    @property
    def counted(self) -> Counter[str]:
        """Of the service that is mirrored."""
        return Counter({what.split()[1]: times for what, times in self.counts.items() if what.startswith("origin ")})


def asked(method: bytes = b"GET", fields: bytes = b"", length: int | None = 0) -> Request:
    """A request for /a?b=c."""
    made = Request()
    made.method = method
    made.target = made.raw_target = b"/a?b=c"
    made.authority = b"shop.example"
    made.content_length = length
    made.head = b"%b /a?b=c HTTP/1.1\r\nHost: shop.example\r\n%b" % (method, fields)
    return made


def answer(body: bytes, status: int = 200, kind: bytes = b"application/json", more: bytes = b"") -> bytes:
    """An answer with a length."""
    return b"HTTP/1.1 %d Said\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (
        *(status, kind, more, len(body), body),
    )


class Records(logging.Handler):
    """Keeps what the gateway's own log would be told."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it as plain values."""
        self.all.append(vars(record))


@pytest.fixture
def records() -> Iterator[list[dict[str, object]]]:
    """What is logged of differences, and of work that failed."""
    log, tasks, handler = logging.getLogger("a3sgw.mirror"), logging.getLogger("a3sgw.tasks"), Records()
    level = log.level
    log.addHandler(handler)
    tasks.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.all
    log.removeHandler(handler)
    tasks.removeHandler(handler)
    log.setLevel(level)


async def test_a_copy() -> None:
    """Method, target and fields are those of the request, and the gateway's own lines are there, too."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url)
        request = asked(b"DELETE", b"Accept: */*\r\n")
        request.headers.set(b"X-Added", b"by a middleware")
        assert mirrored.send(request) is not None
        request.headers.set(b"Host", b"what the main exchange does next")
        there = await shadow.accept()
        seen = await there.message()
        assert seen.line == b"DELETE /a?b=c HTTP/1.1"
        assert seen.fields == (
            (b"Host", b"shop.example"),
            (b"Accept", b"*/*"),
            (b"X-Added", b"by a middleware"),
            (b"X-Forwarded-For", b"192.0.2.1"),
            (b"X-Request-Id", b"17"),
        )
        assert (mirrored.node.running, mirrored.endpoint.in_flight) == (1, 1)
        await there.send(OK)
        await mirrored.ended("mirrored")


@pytest.mark.parametrize("length", [6, 99, None])
async def test_a_body(length: int | None) -> None:
    """It has the length of what is there, whether the client said one, a filter changed it, or it came in chunks."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url)
        said = b"Content-Length: %d\r\n" % length if length is not None else b""
        mirrored.send(asked(b"POST", said, length), [b"abc", b"def"])
        there = await shadow.accept()
        seen = await there.message()
        assert (seen.get(b"content-length"), seen.body) == (b"6", b"abcdef")
        await there.send(OK)
        await mirrored.ended("mirrored")


async def test_a_chunked_body_of_nothing() -> None:
    """It is sent as a length of zero."""
    async with Origin() as shadow:
        shadow.always()
        mirrored = Mirrored(shadow.url)
        mirrored.send(asked(b"POST", b"", None), [])
        await mirrored.ended("mirrored")
        assert shadow.requests[0].get(b"content-length") == b"0"


async def test_secrets() -> None:
    """Credentials are left out, however they are spelled, unless the operator wants them there."""
    for option, names in (("", []), ("sensitive_headers = true", SECRETS.lower().split(b"\r\n")[:-1])):
        async with Origin() as shadow:
            shadow.always()
            mirrored = Mirrored(shadow.url, option)
            request = asked(fields=SECRETS + b"Accept: */*\r\n")
            mirrored.send(request)
            await mirrored.ended("mirrored")
            kept = [name for name in shadow.requests[0].names if not name.startswith(b"x-") or b"key" in name]
            assert kept == [b"host", *(line.split(b":")[0] for line in names), b"accept"]
            assert request.headers.get(b"cookie") == b"a=b"


@pytest.mark.parametrize(
    ("main", "target", "host"),
    [
        ("", "", b"shop.example"),
        ("pass_host_header = false", "", b"shop.example"),
        ("", "pass_host_header = false", None),
        ("pass_host_header = false", "pass_host_header = false", None),
    ],
)
async def test_host(main: str, target: str, host: bytes | None) -> None:
    """The client's or the mirror's own, as the mirror's service says; never that of the main endpoint."""
    async with Origin() as shadow:
        shadow.always()
        mirrored = Mirrored(shadow.url, target=target, main=main)
        request = asked()
        if main:
            request.headers.set(b"Host", b"192.0.2.1")
        mirrored.send(request)
        await mirrored.ended("mirrored")
        assert shadow.requests[0].get(b"host") == (host or b"127.0.0.1:%d" % shadow.port)


async def test_so_many_at_once() -> None:
    """What would be more is not sent; when one has ended there is room for the next."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, "max_concurrent = 2")
        assert mirrored.send() is not None
        assert mirrored.send() is not None
        assert mirrored.send() is None
        assert mirrored.counted == Counter(["mirror_dropped"])
        there = await shadow.accept()
        await there.message()
        await there.send(OK)
        await until(lambda: mirrored.node.running == 1, "one has ended")
        assert mirrored.send() is not None
        await (await shadow.accept()).send(OK)
        await there.message()
        await there.send(OK)
        await mirrored.ended("mirrored", "mirrored", "mirrored", "mirror_dropped")


async def test_a_body_nobody_kept() -> None:
    """With `max_body_bytes` of nothing no body is copied, and no request without its body."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, "max_body_bytes = 0")
        assert mirrored.send(asked(b"POST", b"Content-Length: 3\r\n", 3)) is None
        await mirrored.ended("mirror_too_large")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nCont",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "bad chunks", "garbage"],
)
async def test_no_whole_answer(said: bytes) -> None:
    """It is counted once, and not sent again."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url)
        mirrored.send()
        there = await shadow.accept()
        await there.message()
        await there.send(said)
        there.reset()
        await mirrored.ended("mirror_failed")
        shadow.refuse()


BREAKER = "circuit_breaker { failure_threshold = 1 }"
BREAKERS = ({"target": BREAKER}, {"more": BREAKER})
"""That of each endpoint, and that of the whole service."""
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"


@pytest.mark.parametrize(
    ("breaker", "said", "options", "counted"),
    [
        (breaker, *how)
        for breaker in BREAKERS
        for how in (
            (b"", "", "mirror_failed"),
            (HALF, "", "mirror_failed"),
            (b"", 'timeout = "50ms"', "mirror_failed"),
            (HALF, 'timeout = "50ms"', "mirror_failed"),
            (answer(b"{}", 500), "", "mirrored"),
        )
    ],
)
async def test_failures_are_known_to_breakers(breaker: dict[str, str], said: bytes, options: str, counted: str) -> None:
    """Whatever failed, the mirror's own breaker knows of it, and lets no second copy through."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, options, **breaker)
        mirrored.send()
        there = await shadow.accept()
        await there.message()
        await there.send(said)
        if options:
            await there.end()
        elif counted == "mirror_failed":
            there.reset()
        await mirrored.ended(counted)
        mirrored.send()
        await mirrored.ended(*Counter([counted, "mirror_failed"]).elements())
        assert mirrored.counts["shadow breaker_open"] == 1


@pytest.mark.parametrize("breaker", BREAKERS)
async def test_nobody_there(breaker: dict[str, str]) -> None:
    """Refused connections are failures, too."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, **breaker)
        shadow.refuse()
        for times in (1, 2):
            mirrored.send()
            await mirrored.ended(*["mirror_failed"] * times)
        assert mirrored.counts["shadow breaker_open"] == 1


@pytest.mark.parametrize("breaker", BREAKERS)
async def test_a_kept_connection_that_was_closed(breaker: dict[str, str]) -> None:
    """It says nothing about the mirror: the copy is lost, but the breaker stays closed."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, **breaker)
        mirrored.send()
        there = await shadow.accept()
        await there.message()
        await there.send(OK)
        await mirrored.ended("mirrored")
        mirrored.send()
        await there.message()
        there.close()
        await mirrored.ended("mirrored", "mirror_failed")
        mirrored.send()
        await (await shadow.accept()).send(OK)
        await mirrored.ended("mirrored", "mirrored", "mirror_failed")


@pytest.mark.parametrize("said", [b"", HALF])
async def test_the_time_is_limited(said: bytes) -> None:
    """Whoever has not answered by then is left."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, 'timeout = "50ms"')
        mirrored.send()
        there = await shadow.accept()
        await there.message()
        await there.send(said)
        await there.end()
        await mirrored.ended("mirror_failed")


async def test_connections_are_used_again() -> None:
    """An answer is read to its end, even one that is too large to be compared."""
    async with Origin() as shadow:
        shadow.always(answer(bytes(100_000)))
        mirrored = Mirrored(shadow.url, 'compare { max_body_bytes = "1KB" }')
        for times in (1, 2, 3):
            copy = mirrored.send()
            assert copy is not None
            await until(lambda times=times: mirrored.counted["mirrored"] == times, "the copy ends")  # type: ignore[misc]
            copy.main(200, 0.1, "")
        await mirrored.ended(*["mirrored", "mirror_not_compared"] * 3)
        assert len(shadow.wires) == 1


async def test_a_mirror_asks_to_be_drained() -> None:
    """Its own header is heeded as in any answer."""
    async with Origin() as shadow:
        shadow.always(answer(b"{}", more=b"X-A3S-Server: drain\r\n"))
        mirrored = Mirrored(shadow.url, target="drain_header = true")
        for times in (1, 2, 3):  # an answer that is the same as the one before is read in another way
            mirrored.send()
            await mirrored.ended(*["mirrored"] * times)
            assert mirrored.endpoint.draining
            mirrored.service.take(EndpointDrain("shadow", mirrored.endpoint.url, False))


# Comparing...


def told(copy: Copy, body: bytes = b"{}", status: int = 200) -> None:
    """The copy hears of a main answer in JSON, but for its end."""
    head = Response(status)
    head.headers.set(b"Content-Type", b"application/json")
    copy.main_head(head)
    copy.main_body(body[:3])
    if body[3:]:
        copy.main_body(body[3:])


async def compared(mirrored: Mirrored, body: bytes = b'{"a": 1}', status: int = 200, error: str = "") -> None:
    """Play a main exchange with this end, and wait for all of it."""
    before = mirrored.counted.total()
    copy = mirrored.send()
    assert copy is not None
    told(copy, body, status)
    copy.main(status, 60.0, error)
    await until(lambda: mirrored.counted.total() >= before + 2, "the answers are compared")


@pytest.mark.parametrize(
    ("said", "options", "counted"),
    [
        (answer(b'{"a":1}'), "", ["mirror_same"]),
        (answer(b'{"a":1}'), "max_slower_ms = 0", ["mirror_same"]),
        (answer(b'{"a":2}'), "", ["mirror_differs_body"]),
        (answer(b'{"a":2}'), 'ignore_fields = ["a"]', ["mirror_same"]),
        (answer(b'{"a":1}', 500), "", ["mirror_differs_status"]),
        (answer(b'{"b":1, "c":1}', 500), "", ["mirror_differs_status", "mirror_differs_body"]),
        (answer(b'{"a":1}', kind=b"text/plain"), "", ["mirror_differs_body"]),
        (answer(b'{"a":1}', more=b"Content-Encoding: br\r\n"), "", ["mirror_not_compared"]),
        (answer(b'{"a":1}' + b" " * 99), "max_body_bytes = 50", ["mirror_not_compared"]),
        (answer(b'{"a":1}'), "max_body_bytes = 7", ["mirror_not_compared"]),
    ],
)
async def test_comparisons(said: bytes, options: str, counted: list[str]) -> None:
    """What is the same, what is not, and what cannot be compared, each by its own word."""
    async with Origin() as shadow:
        shadow.always(said)
        mirrored = Mirrored(shadow.url, f"compare {{\n{options}\n}}")
        await compared(mirrored)
        await mirrored.ended("mirrored", *counted)


async def test_a_slower_mirror() -> None:
    """Time counts only where the operator has said how much."""
    async with Origin() as shadow:
        shadow.always(answer(b"{}"))
        mirrored = Mirrored(shadow.url, "compare { max_slower_ms = 5 }")
        copy = mirrored.send()
        assert copy is not None
        told(copy)
        copy.main(200, -1.0, "")  # as if it had been over before the mirror was asked
        await mirrored.ended("mirrored", "mirror_slower")


@pytest.mark.parametrize(("status", "error"), [(499, "the client left"), (502, "ConnectError: refused")])
async def test_a_main_exchange_that_failed(status: int, error: str) -> None:
    """There is nothing to compare with."""
    async with Origin() as shadow:
        shadow.always(answer(b"{}"))
        mirrored = Mirrored(shadow.url, "compare {}")
        await compared(mirrored, b"", status, error)
        await mirrored.ended("mirrored", "mirror_not_compared")


async def test_a_mirror_that_failed_is_not_compared() -> None:
    """It is counted as failed, and not a second time."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, "compare {}")
        copy = mirrored.send()
        assert copy is not None
        told(copy)
        (await shadow.accept()).reset()
        await mirrored.ended("mirror_failed")
        told(copy)
        copy.main(200, 0.1, "")
        await mirrored.ended("mirror_failed")


@pytest.mark.parametrize("mirror_first", [True, False])
async def test_whoever_is_first(mirror_first: bool, records: list[dict[str, object]]) -> None:
    """The comparison is made when both have answered; a copy is under way only until its own answer is there."""
    async with Origin() as shadow:
        mirrored = Mirrored(shadow.url, "compare {}")
        copy = mirrored.send()
        assert copy is not None
        told(copy)
        there = await shadow.accept()
        if mirror_first:
            await there.send(answer(b"{}"))
            await mirrored.ended("mirrored")
            copy.main(200, 0.1, "")
        else:
            copy.main(200, 0.1, "")
            assert not mirrored.counted
            await there.send(answer(b"{}"))
        await mirrored.ended("mirrored", "mirror_same")
    assert records == []


async def test_samples(records: list[dict[str, object]]) -> None:
    """So many differences of a minute are logged in full, the others are only counted."""
    async with Origin() as shadow:
        shadow.always(answer(b'{"a":2}', 404))
        mirrored = Mirrored(shadow.url, "compare { samples_per_minute = 2 }")
        for _ in range(4):
            await compared(mirrored)
        await until(lambda: mirrored.counted["mirror_differs_body"] == 4, "all are compared")
        assert len(records) == 2
        mirrored.node.minute -= 60
        await compared(mirrored)
        await until(lambda: len(records) == 3, "a minute later there are samples again")
    one = {key: records[0][key] for key in ("service", "target", "path", "status", "differences")}
    assert json.loads(json.dumps(one)) == {
        "service": "origin",
        "target": "shadow",
        "path": "/a?b=c",
        "status": [200, 404],
        "differences": [
            {"what": "status", "place": "status", "main": "200", "mirror": "404"},
            {"what": "body", "place": "body.a", "main": "1", "mirror": "2"},
        ],
    }
    main, mirror = cast("list[float]", records[0]["ms"])
    assert (main, mirror < 60_000) == (60_000.0, True)


async def test_what_is_the_same_is_not_logged(records: list[dict[str, object]]) -> None:
    """Nobody has to read it."""
    async with Origin() as shadow:
        shadow.always(answer(b'{"a":1}'))
        mirrored = Mirrored(shadow.url, "compare {}")
        await compared(mirrored)
        await mirrored.ended("mirrored", "mirror_same")
    assert records == []


async def test_repr() -> None:
    """A copy says what it is of and where it goes."""
    async with Origin() as shadow:
        shadow.always()
        mirrored = Mirrored(shadow.url)
        assert repr(mirrored.send()) == "<Copy [<Request [GET /]> → shadow]>"
        await mirrored.ended("mirrored")
