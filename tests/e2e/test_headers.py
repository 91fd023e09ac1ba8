"""Which header fields go on: hop-by-hop ones never, others as they are, and nothing is added that nobody asked for."""

from __future__ import annotations

import pytest

from tests.support.gateway import config, gateway, stage
from tests.support.origin import Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
OURS = [
    b"x-forwarded-for",
    b"x-real-ip",
    b"x-forwarded-proto",
    b"x-forwarded-port",
    b"x-forwarded-host",
    b"x-request-id",
]


@pytest.mark.parametrize(
    "line",
    [
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authenticate: Basic",
        b"Proxy-Authorization: Basic eDp5",
        b"TE: gzip",
        b"Trailer: X-Sum",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"Connection: keep-alive",
        b"Connection: close",
        b"proxy-connection: close",
    ],
)
async def test_hop_by_hop_fields_stay_here(line: bytes) -> None:
    """T-3: fields about one connection are not forwarded to the next."""
    async with stage() as on:
        seen = await on.forwarded(GET + line + b"\r\nX-Kept: yes\r\n\r\n")
        assert line.split(b":")[0].lower() not in seen.names
        assert seen.get(b"x-kept") == b"yes"


async def test_fields_named_by_connection_stay_here() -> None:
    """T-3: what `Connection` lists belongs to that connection, in any case, over several lines."""
    async with stage() as on:
        seen = await on.forwarded(
            GET
            + b"Connection: X-One, x-TWO\r\nX-One: 1\r\nX-Two: 2\r\nConnection: x-three\r\nx-three: 3\r\nX: 4\r\n\r\n"
        )
        assert [name for name in seen.names if name not in OURS] == [b"host", b"x"]


async def test_connection_cannot_name_fields_of_the_gateway() -> None:
    """T-3: `Connection: X-Forwarded-For` removes nothing that the gateway, or a proxy in front, says."""
    async with stage(entrypoint='trusted_ips = ["127.0.0.1"]') as on:
        seen = await on.forwarded(
            GET + b"Connection: X-Forwarded-For, X-Real-Ip, X-Forwarded-Proto, Host, X-Request-Id\r\n"
            b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n"
        )
        assert seen.get(b"x-forwarded-for") == b"192.0.2.1, 127.0.0.1"
        assert seen.get(b"x-forwarded-proto") == b"https"
        assert seen.get(b"host") == b"a.example"
        assert seen.get(b"x-request-id")


async def test_connection_can_name_any_other_field_that_begins_with_x() -> None:
    """T-3: only managed fields are exempt; `X-Secret` named by `Connection` is not forwarded."""
    async with stage() as on:
        seen = await on.forwarded(GET + b"Connection: X-Secret\r\nX-Secret: s\r\n\r\n")
        assert b"x-secret" not in seen.names


async def test_te_trailers_is_the_one_te_that_goes_on() -> None:
    """T-3: `TE: trailers` is said anew to the endpoint, together with the `Connection` it needs."""
    async with stage() as on:
        seen = await on.forwarded(GET + b"TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n\r\n")
        assert seen.get(b"te") == b"trailers"
        assert seen.get(b"connection") == b"TE"


async def test_hop_by_hop_fields_of_an_answer_stay_here() -> None:
    """T-3: the same holds for answers, with what their `Connection` lists."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(
            b"HTTP/1.1 200 OK\r\nConnection: X-One, close\r\nX-One: 1\r\nKeep-Alive: timeout=9\r\n"
            b"Proxy-Connection: a\r\nUpgrade: h2c\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n"
        )
        answer = await on.client.message()
        assert answer.names == [b"x-two", b"content-length"]


async def test_nothing_is_added_to_a_request() -> None:
    """T-28: no Accept-Encoding, User-Agent or Content-Type of our own; names, order and values are the client's."""
    async with stage() as on:
        seen = await on.forwarded(
            b"POST / HTTP/1.1\r\nhOST: a.example\r\nx-b: 2\r\nX-A:  1 \r\nx-b: 1\r\nContent-Length: 1\r\n\r\nz"
        )
        assert [one for one in seen.fields if one[0].lower() not in OURS] == [
            (b"hOST", b"a.example"),
            (b"x-b", b"2"),
            (b"X-A", b"1"),
            (b"x-b", b"1"),
            (b"Content-Length", b"1"),
        ]
        assert sorted(name for name in seen.names if name in OURS) == sorted(OURS)


async def test_nothing_is_added_to_an_answer() -> None:
    """T-28: an answer without Date, Server or Content-Type arrives without them."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(
            b"HTTP/1.1 299 Odd Reason\r\nX-b: 2\r\nset-cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n"
        )
        answer = await on.client.message()
        assert answer.line == b"HTTP/1.1 299 Odd Reason"
        assert answer.fields == (
            (b"X-b", b"2"),
            (b"set-cookie", b"a"),
            (b"set-cookie", b"b"),
            (b"Content-Length", b"0"),
        )


async def test_bytes_beyond_ascii_in_values_are_kept() -> None:
    """T-28: a value is bytes; Latin-1 and UTF-8 pass both ways unchanged."""
    async with stage() as on:
        await on.client.send(GET + b"X-Name: J\xc3\xb6rg \xe9\r\n\r\n")
        there = await on.origin.accept()
        assert (await there.message()).get(b"x-name") == b"J\xc3\xb6rg \xe9"
        await there.send(b"HTTP/1.1 200 OK\r\nX-Name: \xff\r\nContent-Length: 0\r\n\r\n")
        assert (await on.client.message()).get(b"x-name") == b"\xff"


async def test_encoded_bodies_pass_as_they_are() -> None:
    """T-32: the gateway neither compresses nor decompresses, and leaves ETag, Vary and Content-Encoding alone."""
    body = b"\x1f\x8b\x08\x00not really gzip\x00\xff"
    async with stage() as on:
        await on.client.send(GET + b"Accept-Encoding: gzip, br;q=0\r\n\r\n")
        there = await on.origin.accept()
        assert (await there.message()).get(b"accept-encoding") == b"gzip, br;q=0"
        await there.send(
            b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: "x"\r\nVary: *\r\nContent-Length: %d\r\n\r\n%b'
            % (len(body), body)
        )
        answer = await on.client.message()
        assert answer.body == body
        assert (answer.get(b"content-encoding"), answer.get(b"etag"), answer.get(b"vary")) == (b"gzip", b'"x"', b"*")


# Underscores...


@pytest.mark.parametrize(
    ("strategy", "forwarded"), [("", []), ("delete", []), ("keep", [(b"X_User", b"root"), (b"a_b_c", b"1")])]
)
async def test_names_with_underscores(strategy: str, forwarded: list[tuple[bytes, bytes]]) -> None:
    """T-5: `X_User` reads as `X-User` to WSGI and CGI, so such fields are left out unless the operator keeps them."""
    chosen = f'underscore_headers = "{strategy}"' if strategy else ""
    async with stage(entrypoint=chosen) as on:
        seen = await on.forwarded(GET + b"X_User: root\r\nX-Kept: a_b\r\na_b_c: 1\r\n\r\n")
        assert [one for one in seen.fields if b"_" in one[0]] == forwarded
        assert seen.get(b"x-kept") == b"a_b"


async def test_names_with_underscores_can_be_refused() -> None:
    """T-5: with `reject` such a request gets 400."""
    async with stage(entrypoint='underscore_headers = "reject"') as on:
        await on.client.send(GET + b"X_User: root\r\n\r\n")
        assert (await on.client.message()).status == 400
        assert on.origin.wires == []


# Limits...


async def test_a_large_cookie_is_fine() -> None:
    """T-8: 60 KB of header fields pass by default: cookies and tokens are that large in practice."""
    async with stage() as on:
        cookie = b"c" * 60_000
        assert (await on.forwarded(GET + b"Cookie: " + cookie + b"\r\n\r\n")).get(b"cookie") == cookie


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "endless"])
async def test_a_head_above_the_limit_gets_431(whole: bool) -> None:
    """T-8: more than `max_header_bytes` is 431, whether or not the head ever ends."""
    async with stage(entrypoint='max_header_bytes = "2KB"') as on:
        await on.client.send(GET + b"Cookie: " + b"c" * 3000 + (b"\r\n\r\n" if whole else b""))
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (431, b"close")
    assert [record["status"] for record in on.records] == [431]


@pytest.mark.parametrize("tail", [b" HTTP/1.1\r\nHost: a\r\n\r\n", b""], ids=["whole", "endless"])
async def test_a_target_above_the_limit_gets_414(tail: bytes) -> None:
    """T-8: when it is the target that does not fit, the status says so."""
    async with stage(entrypoint='max_header_bytes = "2KB"') as on:
        await on.client.send(b"GET /" + b"a" * 3000 + tail)
        assert (await on.client.message()).status == 414


async def test_too_many_fields_get_431() -> None:
    """T-8: more than `max_headers` fields is 431, exactly as many is fine."""
    async with stage(entrypoint="max_headers = 5") as on:
        assert (await on.forwarded(GET + b"A: 1\r\n" * 4 + b"\r\n")).get(b"host") == b"a.example"
        await on.client.send(GET + b"A: 1\r\n" * 5 + b"\r\n")
        assert (await on.client.message()).status == 431


async def test_an_oversized_answer_head_gets_502() -> None:
    """T-8: an endpoint whose head never ends is given up before it fills memory."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000 + b"\r\nY: " + b"b" * 200_000)
        assert (await on.client.message()).status == 502


async def test_a_large_answer_head_is_fine() -> None:
    """T-8: 100 KB of Set-Cookie go through in pieces as they come."""
    async with stage() as on:
        await on.client.send(GET + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        await there.send(
            b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: " + b"a" * 100_000 + b"\r\n", b"Content-Length: 2\r\n\r", b"\nok"
        )
        answer = await on.client.message()
        assert (len(answer.get(b"set-cookie") or b""), answer.body) == (100_000, b"ok")


async def test_trailers_are_announced_once() -> None:
    """However often an endpoint says the same, each client gets one Trailer field."""
    answer = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    async with Origin() as origin, gateway(config(origin.url)) as running:
        origin.always(answer)
        wire = await running.connect()
        for _ in range(4):
            await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nTE: trailers\r\n\r\n")
            seen = await wire.message()
            assert seen.all(b"trailer") == [b"X-Sum"]
            assert seen.trailers
