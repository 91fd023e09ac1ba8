"""compress: what is compressed, how, and what is left alone."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from backports import zstd

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.response import read_response
from a3sgw.middlewares.compress import Compress, Options
from a3sgw.options import OptionError, ValidationError
from tests.support.gateway import Stage, stage
from tests.support.wire import Message

TEXT = b"".join(b"%d bottles of beer on the wall, " % number for number in range(300))
GET = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"
DECODED: dict[bytes, Callable[[bytes], bytes]] = {
    b"br": import_module("brotli").decompress,
    b"zstd": zstd.decompress,
    b"gzip": lambda data: zlib.decompress(data, 31),
    b"deflate": zlib.decompress,
}


def compressed(
    *lines: str,
    status: int = 200,
    length: int | None = 9000,
    accept: str | None = "gzip",
    asked: tuple[str, ...] = (),
    method: bytes = b"GET",
    **options: Any,
) -> Response:
    """The response head after a `compress` with these options; `length` None is chunked."""
    request = Request()
    request.method = method
    wanted = (f"Accept-Encoding: {accept}",) if accept is not None else ()
    request.headers = Headers("".join(f"{line}\r\n" for line in (*wanted, *asked)).encode())
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} Fine", *lines, framing))
    response = read_response(f"{head}\r\n".encode(), method)
    middleware = Compress(Options.model_validate(options))
    middleware.response(request, response)
    body = middleware.response_body(request, response)
    assert (body is None) is (response.headers.get(b"content-encoding") == before(lines))
    return response


def before(lines: tuple[str, ...]) -> bytes | None:
    """The coding an answer had already."""
    found = [line for line in lines if line.startswith("Content-Encoding")]
    return found[0].split(": ")[1].encode() if found else None


def coding(*lines: str, **more: Any) -> bytes | None:
    return compressed(*lines, **more).headers.get(b"content-encoding")


# What is chosen


@pytest.mark.parametrize(
    ("accept", "options", "chosen"),
    [
        (None, {}, None),
        ("", {}, None),
        ("notreal", {}, None),
        ("br", {}, b"br"),
        ("gzip, deflate, br, zstd", {}, b"br"),
        ("gzip, deflate, zstd", {}, b"zstd"),
        ("gzip, deflate", {}, b"gzip"),
        ("deflate", {}, b"deflate"),
        ("gzip, br", {"encodings": ["gzip", "br"]}, b"gzip"),
        ("br", {"encodings": ["gzip"]}, None),
        ("gzip;q=0", {}, None),
        ("br;q=0.8, identity;q=1.0", {}, None),
        ("*", {}, b"br"),
        ("*", {"default_encoding": "gzip"}, b"gzip"),
        (None, {"default_encoding": "zstd"}, b"zstd"),
        ("", {"default_encoding": "zstd"}, None),
        ("br" + " " * 300, {}, b"br"),
    ],
)
def test_negotiation(accept: str | None, options: dict[str, Any], chosen: bytes | None) -> None:
    """What the client likes best; br before zstd before gzip before deflate unless the operator says otherwise."""
    assert coding(accept=accept, **options) == chosen


def test_several_lines_are_one() -> None:
    """Accept-Encoding is a list."""
    assert coding(accept="gzip;q=0.5", asked=("Accept-Encoding: zstd",)) == b"zstd"


# What is left alone


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        (["Content-Encoding: br"], {}),
        (["Content-Encoding: identity"], {}),
        (["Content-Range: bytes 0-8999/20000"], {"status": 206}),
        ([], {"status": 206}),
        ([], {"status": 205}),
        (["Cache-Control: no-transform"], {}),
        (["Cache-Control: private, No-Transform, max-age=1"], {}),
        (["Cache-Control: private", "Cache-Control: no-transform"], {}),
        ([], {"asked": ("Cache-Control: no-transform",)}),
        (["Content-Type: application/grpc"], {}),
        (["Content-Type: Application/GRPC+proto"], {}),
        (["Content-Type: application/grpc"], {"included_content_types": ["*/*"]}),
        ([], {"asked": ("Content-Type: application/grpc",)}),
        (["Content-Type: image/png"], {}),
        (["Content-Type: IMAGE/JPEG; a=b"], {}),
        (["Content-Type: video/mp4"], {}),
        (["Content-Type: application/zip"], {}),
        (["Content-Type: font/woff2"], {}),
        (["Content-Type: application/octet-stream"], {}),
        (["Content-Type: text/css"], {"excluded_content_types": ["text/css"]}),
        ([], {"asked": ("Content-Type: text/css",), "excluded_content_types": ["text/css"]}),
        (["Content-Type: text/html"], {"included_content_types": ["text/plain"]}),
        ([], {"included_content_types": ["text/plain"]}),
        ([f"Content-Type: image/png; a={'b' * 300}"], {}),
        ([], {"length": 1023}),
        ([], {"length": 0}),
        ([], {"length": 0, "min_response_body_bytes": 0}),
        ([], {"status": 101, "length": None}),
        ([], {"method": b"CONNECT", "length": None}),
    ],
)
def test_left_alone(lines: list[str], more: dict[str, Any]) -> None:
    """And it does not depend on Accept-Encoding, so Vary does not say so."""
    assert compressed(*lines, **more).headers.get(b"vary") is None


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ([], {}),
        ([], {"length": 1024}),
        ([], {"length": 1, "min_response_body_bytes": 0}),
        ([], {"length": None, "min_response_body_bytes": 5000}),
        (["Content-Type: text/event-stream"], {"length": None}),
        (["Content-Type: image/svg+xml"], {}),
        (["Content-Type: application/json; charset=utf-8"], {}),
        (["Content-Type: text/html"], {"included_content_types": ["text/*"]}),
        (["Content-Type: image/png"], {"included_content_types": ["image/png"]}),
        (
            ["Content-Type: application/json; charset=ascii"],
            {"excluded_content_types": ["application/json; charset=x"]},
        ),
        (["Cache-Control: no-transformers"], {}),
        ([], {"status": 404}),
    ],
)
def test_compressed(lines: list[str], more: dict[str, Any]) -> None:
    """Everything else, errors and streams too; an answer of unknown length always."""
    assert coding(*lines, **more) == b"gzip"


# What is said about it


def test_the_head_of_a_compressed_answer() -> None:
    """What is no longer true goes; the ETag is weak; Vary names Accept-Encoding beside what it named."""
    response = compressed(
        "Content-Type: text/html",
        'ETag: "v1"',
        "Accept-Ranges: bytes",
        "Vary: Origin",
        "Content-MD5: x",
        "Digest: x",
        "Content-Digest: x",
        "Repr-Digest: x",
    )
    assert sorted(response.headers) == [
        (b"Content-Encoding", b"gzip"),
        (b"Content-Type", b"text/html"),
        (b"ETag", b'W/"v1"'),
        (b"Vary", b"Origin, Accept-Encoding"),
    ]
    assert compressed('ETag: W/"v1"').headers.get_all(b"etag") == [b'W/"v1"']


@pytest.mark.parametrize("accept", [None, "", "identity", "gzip;q=0"])
def test_vary_without_compression(accept: str | None) -> None:
    """A cache has to know that another client would get another answer; nothing else changes."""
    response = compressed('ETag: "v1"', accept=accept)
    assert sorted(response.headers) == [(b"Content-Length", b"9000"), (b"ETag", b'"v1"'), (b"Vary", b"Accept-Encoding")]


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 304)])
def test_answers_without_a_body(method: bytes, status: int) -> None:
    """T-27: they keep what the endpoint says, and depend on the same as the answer with a body."""
    response = compressed('ETag: "v1"', method=method, status=status)
    assert sorted(response.headers) == [(b"Content-Length", b"9000"), (b"ETag", b'"v1"'), (b"Vary", b"Accept-Encoding")]
    assert compressed("Content-Type: image/png", method=method, status=status).headers.get(b"vary") is None


def test_nothing_at_all_for_204() -> None:
    """It has no body at all."""
    assert list(compressed(status=204).headers) == []


@pytest.mark.parametrize(("media_type", "window"), [(b"text/event-stream", 1 << 16), (b"text/html", 1 << 21)])
def test_event_streams_take_little_memory(media_type: bytes, window: int) -> None:
    """There may be thousands of them, for hours; the window in the head of a zstd frame tells (RFC 8878 §3.1.1.1.2)."""
    request = Request()
    request.headers = Headers(b"Accept-Encoding: zstd\r\n")
    response = read_response(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n\r\n" % media_type, b"GET")
    body = Compress(Options.model_validate({})).response_body(request, response)
    assert body is not None
    frame = body.feed(b"data: 1\n\n")
    assert 1 << (10 + (frame[5] >> 3)) == window


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"encodings": ["lzma"]},
        {"default_encoding": "br", "encodings": ["gzip"]},
        {"default_encoding": "identity"},
        {"excluded_content_types": ["text/html"], "included_content_types": ["text/plain"]},
        {"excluded_content_types": ["html"]},
        {"brotli_level": 7},
        {"zstd_level": 10},
        {"gzip_level": 0},
        {"min_response_body_bytes": "many"},
    ],
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    """At load."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error when the operator names its coding, else the others do."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert coding(accept="br, gzip, zstd") == b"zstd"
    for options in ({"encodings": ["gzip", "br"]}, {"default_encoding": "br"}):
        with pytest.raises(OptionError) as caught:
            Compress(Options.model_validate(options))
        assert caught.value.help == "install it with: pip install 'a3sgw[compress]'"


# On the wire

BLOCK = 'middlewares "compress" {\n type = "compress"\n}'


async def exchanged(on: Stage, request: bytes, *answer: bytes, to: bytes = b"GET") -> Message:
    await on.client.send(request)
    there = on.origin.wires[-1] if on.origin.wires else await on.origin.accept()
    await there.message()
    await there.send(*answer)
    return await on.client.message(to)


@pytest.mark.parametrize("wanted", list(DECODED))
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_read_back(wanted: bytes, chunked: bool) -> None:
    """In every coding, with a known length and without one; and the connection goes on."""
    request = GET.replace(b"gzip", wanted)
    if chunked:
        body = b"".join(b"%x\r\n%b\r\n" % (len(TEXT[a : a + 999]), TEXT[a : a + 999]) for a in range(0, len(TEXT), 999))
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    else:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        for _ in range(2):
            got = await exchanged(on, request, answer)
            assert got.get(b"content-encoding") == wanted
            assert len(got.body) < len(TEXT) / 2
            assert DECODED[wanted](got.body) == TEXT


async def test_a_stream_stays_a_stream() -> None:
    """Each event can be read as soon as it has come."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        assert (await there.message()).get(b"accept-encoding") == b"gzip"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        await there.send(head)
        assert (await on.client.head()).get(b"content-encoding") == b"gzip"
        reader = zlib.decompressobj(31)
        for event in (b"data: 1\n\n", b"data: 2\n\n"):
            await there.send(b"%x\r\n%b\r\n" % (len(event), event))
            assert reader.decompress(await on.client.chunk()) == event
        await there.send(b"0\r\n\r\n")
        while piece := await on.client.chunk():
            reader.decompress(piece)
        assert reader.eof


@pytest.mark.parametrize("framing", [b"Content-Length: 9999", b"Transfer-Encoding: chunked"])
async def test_a_broken_answer_is_not_made_whole(framing: bytes) -> None:
    """T-2: neither the coding nor the chunks are ended when the endpoint has left in the middle."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        await there.message()
        body = TEXT if b"Length" in framing else b"%x\r\n%b\r\n" % (len(TEXT), TEXT)
        await there.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (framing, body))
        await on.client.head()
        there.close()
        sent, _ = await on.client.end()
        assert not sent.endswith(b"0\r\n\r\n")


async def test_a_weak_etag_comes_back() -> None:
    """The client asks with the ETag it got, and 304 is 304, also without a body to compress."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        head = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: %d\r\n\r\n' % len(TEXT)
        etag = (await exchanged(on, GET, head + TEXT)).get(b"etag")
        assert etag == b'W/"v1"'
        await on.client.send(GET[:-2] + b"If-None-Match: %b\r\n\r\n" % etag)
        assert (await on.origin.wires[-1].message()).get(b"if-none-match") == etag
        await on.origin.wires[-1].send(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')
        answer = await on.client.message()
        assert (answer.status, answer.get(b"vary"), answer.get(b"content-encoding")) == (304, b"Accept-Encoding", None)


async def test_a_head_without_its_body() -> None:
    """HEAD says what the endpoint says, and the connection stays in step."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"
        got = await exchanged(on, GET.replace(b"GET", b"HEAD"), answer, to=b"HEAD")
        assert (got.get(b"content-length"), got.get(b"content-encoding")) == (b"9000", None)
        got = await exchanged(on, GET, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert (got.body, got.get(b"content-encoding")) == (b"ok", None)


async def test_requests_are_not_touched() -> None:
    """Their bodies and what they accept go on as they came."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        request = GET.replace(b"GET", b"POST")[:-2] + b"Content-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)
        seen = await on.forwarded(request)
        assert (seen.body, seen.get(b"accept-encoding"), seen.get(b"content-encoding")) == (TEXT, b"gzip", None)


async def test_an_old_client() -> None:
    """HTTP/1.0 knows no chunks: the end of the connection is the end of the body."""
    async with stage(router='middlewares = ["compress"]', more=BLOCK) as on:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)
        got = await exchanged(on, GET.replace(b"1.1", b"1.0"), answer)
        assert (got.get(b"transfer-encoding"), DECODED[b"gzip"](got.body)) == (None, TEXT)
