"""headers: fields set, replaced and deleted on both ways."""

from __future__ import annotations

import pytest

from a3sgw.errors import ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.headers import HeadersMiddleware, Options
from a3sgw.options import ValidationError
from tests.support.gateway import config, gateway, stage

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


def requested(lines: bytes, **fields: str) -> list[tuple[bytes, bytes]]:
    """What becomes of a request with these field lines."""
    request = Request()
    request.headers = Headers(lines)
    HeadersMiddleware(Options(request_headers=fields)).request(request)
    return list(request.headers)


def test_a_field_is_set() -> None:
    """One that is missing is added."""
    assert requested(b"A: 1\r\n", B="2") == [(b"A", b"1"), (b"B", b"2")]


def test_a_field_is_replaced() -> None:
    """Every line of that name goes, in any case and with underscores, and one comes."""
    assert requested(b"b: 1\r\nA: 1\r\nB: 3\r\n", B="2") == [(b"A", b"1"), (b"B", b"2")]
    assert requested(b"X_User: 1\r\nx-user: 2\r\n", **{"X-User": "me"}) == [(b"X-User", b"me")]


def test_a_field_is_deleted() -> None:
    """An empty value deletes."""
    assert requested(b"A: 1\r\nB: 1\r\n", A="") == [(b"B", b"1")]


def test_values_may_be_unicode() -> None:
    """They are sent as UTF-8."""
    assert requested(b"", A="é") == [(b"A", "é".encode())]


def test_responses_likewise() -> None:
    """The same for responses."""
    response = Response(200, Headers(b"Server: x\r\nA: 1\r\n"))
    HeadersMiddleware(Options(response_headers={"Server": "", "A": "2"})).response(Request(), response)
    assert list(response.headers) == [(b"A", b"2")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a b", "x"),
        ("a:b", "x"),
        ("é", "x"),
        ("A", "x\r\nB: y"),
        ("A", "x\x00"),
        *((name, "x") for name in ("Connection", "content-length", "Transfer-Encoding", "TE", "Upgrade", "Keep-Alive")),
    ],
)
@pytest.mark.parametrize("key", ["request_headers", "response_headers"])
def test_what_cannot_be_sent_is_refused(key: str, name: str, value: str) -> None:
    """Names that are none, values that would break the head, and fields that frame it."""
    with pytest.raises((ValidationError, ConfigError)):
        Options.model_validate({key: {name: value}})


async def test_on_the_wire() -> None:
    """A changed head is well-formed on both sides, and also changes answers of the gateway itself."""
    more = """
    middlewares "set" {
      type             = "headers"
      request_headers  = { X-Env = "test", User-Agent = "", Host = "inner.example" }
      response_headers = { X-Frame-Options = "DENY", Server = "" }
    }
    """
    async with stage(router='middlewares = ["set"]', more=more) as on:
        await on.client.send(GET + b"User-Agent: u\r\nX-Env: prod\r\nA: 1\r\n\r\n")
        there = await on.origin.accept()
        seen = await there.message()
        assert seen.get(b"host") == b"inner.example"
        assert (seen.get(b"x-env"), seen.get(b"user-agent"), seen.get(b"a")) == (b"test", None, b"1")
        await there.send(b"HTTP/1.1 200 Fine\r\nServer: s\r\nX-Frame-Options: a\r\nContent-Length: 2\r\n\r\nok")
        answer = await on.client.message()
        assert answer.line == b"HTTP/1.1 200 Fine"
        assert (answer.all(b"x-frame-options"), answer.get(b"server"), answer.body) == ([b"DENY"], None, b"ok")
    async with gateway(config("http://127.0.0.1:1", router='middlewares = ["set"]', more=more)) as running:
        assert (await running.ask(GET + b"\r\n")).get(b"x-frame-options") == b"DENY"
