"""What the heads of the examples about answers say to try, tried: who may read them, what they say, how small."""

from __future__ import annotations

from importlib import import_module

from backports import zstd

from tests.examples.stand import Stand
from tests.support.echo import ok
from tests.support.wire import Message


async def cors(stand: Stand) -> None:
    """Preflights do not count, a refusal can be read, and strangers learn nothing."""
    await stand.echo("APP")
    await stand.start()
    app, allowed = "https://app.example.com", b"access-control-allow-origin"
    for origin in (app, "https://a.preview.example.com", "http://localhost:5173"):
        answer = await stand.ask("/", f"Origin: {origin}", "Access-Control-Request-Method: PUT", method="OPTIONS")
        assert (answer.status, answer.get(allowed)) == (200, origin.encode())
        assert answer.get(b"access-control-allow-methods") == b"GET,PUT,DELETE"
        assert answer.get(b"access-control-max-age") == b"600"
    answer = await stand.ask("/", f"Origin: {app}")
    assert (answer.status, answer.get(b"access-control-allow-credentials")) == (200, b"true")
    stranger = await stand.ask("/", "Origin: https://elsewhere.example")
    assert (stranger.status, stranger.get(allowed), stranger.get(b"vary")) == (200, None, b"Origin")
    refused = await stand.ask("/", f"Origin: {app}")
    assert (refused.status, refused.get(allowed)) == (429, app.encode())


async def security_headers(stand: Stand) -> None:
    """The preset, one field of one's own, and other hosts."""

    def talkative(request: Message) -> bytes:
        return ok(b"{}", b"Server: app/1.2\r\nX-Powered-By: y\r\nReferrer-Policy: same-origin\r\n")

    app = await stand.echo("APP", talkative)
    await stand.start()
    answer = await stand.ask("/", "X-Debug: 1", "Via: 1.0 x", host="www.example.com")
    assert answer.get(b"x-frame-options") == b"DENY"
    assert (answer.get(b"content-security-policy") or b"").startswith(b"default-src 'self'; img-src")
    assert (answer.get(b"referrer-policy"), answer.get(b"x-served-for")) == (b"same-origin", b"www.example.com")
    assert (answer.get(b"server"), answer.get(b"x-powered-by"), answer.get(b"cache-control")) == (
        None,
        None,
        b"no-store",
    )
    seen = app.requests[0]
    assert (seen.get(b"x-client"), seen.get(b"via"), seen.get(b"x-debug")) == (
        b"127.0.0.1",
        b"1.0 x, 1.1 gateway",
        None,
    )
    assert (await stand.ask(host="other.example")).status == 421


async def compress(stand: Stand) -> None:
    """The client's choice; small and excluded answers as they are."""
    text = b"the same words again and again, " * 50

    def answer(request: Message) -> bytes:
        if request.target == b"/events":
            return ok(text, b"Content-Type: text/event-stream\r\n")
        return ok(text if request.target == b"/" else b"small", b"Content-Type: text/plain\r\n")

    await stand.echo("APP", answer)
    await stand.start()
    got = await stand.ask("/", "Accept-Encoding: gzip, deflate, br, zstd")
    assert (got.get(b"content-encoding"), got.get(b"vary")) == (b"br", b"Accept-Encoding")
    assert import_module("brotli").decompress(got.body) == text
    got = await stand.ask("/", "Accept-Encoding: zstd")
    assert zstd.decompress(got.body) == text
    for target in ("/events", "/small"):
        assert (await stand.ask(target, "Accept-Encoding: br")).get(b"content-encoding") is None
    assert (await stand.ask("/")).body == text
