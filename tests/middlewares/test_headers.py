"""headers: fields set, replaced and deleted on both ways."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError, ConfigError
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


# Groups, templates and security


def changed(scheme: bytes = b"http", lines: bytes = b"", **options: Any) -> list[tuple[bytes, bytes]]:
    """What becomes of a response with these field lines."""
    request = Request()
    request.scheme = scheme
    request.captures = {"id": "seven"}
    request.client_ip = "192.0.2.1"
    response = Response(200, Headers(lines))
    HeadersMiddleware(Options.model_validate(options)).response(request, response)
    return list(response.headers)


def test_groups() -> None:
    """Delete, set, add, append, default, on both sides."""
    changes = {
        "delete": ["A"],
        "set": {"B": "2"},
        "add": {"Set-Cookie": "y=2"},
        "append": {"Via": "1.1 gw"},
        "default": {"C": "3", "D": "4"},
    }
    lines = b"A: 1\r\nB: 1\r\nSet-Cookie: x=1\r\nVia: 1.0 a\r\nC: 1\r\n"
    after = [
        (b"Set-Cookie", b"x=1"),
        (b"Via", b"1.0 a, 1.1 gw"),
        (b"C", b"1"),
        (b"B", b"2"),
        (b"Set-Cookie", b"y=2"),
        (b"D", b"4"),
    ]
    assert changed(lines=lines, response=changes) == after
    request = Request()
    request.headers = Headers(lines)
    HeadersMiddleware(Options.model_validate({"request": changes})).request(request)
    assert list(request.headers) == after


def test_values_from_the_request() -> None:
    """Both sides may have places for pieces of the request; what comes out empty is not there."""
    fields = {"X-Id": "{path.id}!", "X-Ip": "{ip}", "X-None": "{claim.sub}", "X-Text": "{{ip}}", "X-Json": '{"a": 1}'}
    assert changed(response_headers=fields) == [
        (b"X-Id", b"seven!"),
        (b"X-Ip", b"192.0.2.1"),
        (b"X-Text", b"{ip}"),
        (b"X-Json", b'{"a": 1}'),
    ]
    assert requested(b"A: 1\r\nX-User: root\r\n", **{"X-User": "{identity}", "B": "{header.A}"}) == [
        (b"A", b"1"),
        (b"B", b"1"),
    ]


def test_a_value_stays_one_line() -> None:
    """Whatever a request brings."""
    request = Request()
    request.captures = {"id": "a\r\nEvil: 1"}
    HeadersMiddleware(Options(request_headers={"X-Id": "{path.id}"})).request(request)
    assert list(request.headers) == [(b"X-Id", b"a%0D%0AEvil: 1")]


def test_explicit_fields_have_the_last_word() -> None:
    """Over the security options, whatever their case; these over the preset, and that over nothing."""
    given: dict[str, Any] = {"frame_deny": True, "referrer_policy": "no-referrer", "preset": "strict"}
    fields = dict(changed(**given, response_headers={"x-frame-options": "SAMEORIGIN", "Permissions-Policy": ""}))
    assert fields[b"x-frame-options"] == b"SAMEORIGIN"
    assert b"X-Frame-Options" not in fields
    assert fields[b"Referrer-Policy"] == b"no-referrer"
    assert b"Permissions-Policy" not in fields
    assert fields[b"X-Content-Type-Options"] == b"nosniff"


def test_the_preset_fills_in() -> None:
    """What the endpoint says itself stays, but not what it says of its make."""
    lines = b"Server: x/1.2\r\nX-Powered-By: y\r\nContent-Security-Policy: script-src 'nonce-1'\r\n"
    fields = dict(changed(lines=lines, preset="strict"))
    assert fields[b"Content-Security-Policy"] == b"script-src 'nonce-1'"
    assert fields[b"X-Frame-Options"] == b"DENY"
    assert not {b"Server", b"X-Powered-By", b"Strict-Transport-Security"} & set(fields)
    assert b"Strict-Transport-Security" in dict(changed(b"https", preset="strict"))
    own = dict(changed(lines=lines, preset="strict", content_security_policy="default-src 'none'"))
    assert own[b"Content-Security-Policy"] == b"default-src 'none'"


def test_strict_transport() -> None:
    """Only where it means something."""
    assert changed(b"https", sts_seconds=1) == [(b"Strict-Transport-Security", b"max-age=1")]
    assert changed(b"http", sts_seconds=1) == []
    assert changed(b"http", sts_seconds=1, force_sts_header=True) == [(b"Strict-Transport-Security", b"max-age=1")]


@pytest.mark.parametrize(
    ("host", "options", "passes"),
    [
        (b"foo.com", {}, True),
        (b"boo.com", {}, False),
        (b"a.bar.com", {}, True),
        (b"bar.com", {}, False),
        (b"a.b.bar.com", {}, False),
        (b"", {}, False),
        (b"boo.com", {"is_development": True}, True),
        (b"boo.com", {"allowed_hosts": []}, True),
    ],
)
def test_allowed_hosts(host: bytes, options: dict[str, Any], passes: bool) -> None:
    """421 for the others; the request has been changed before, for somebody may only observe."""
    given = {"allowed_hosts": ["Foo.com", "*.bar.com"], "request_headers": {"A": "1"}, **options}
    middleware = HeadersMiddleware(Options.model_validate(given))
    request = Request()
    request.host = host
    if passes:
        middleware.request(request)
    else:
        with pytest.raises(ClientError) as caught:
            middleware.request(request)
        assert caught.value.status == 421
    assert list(request.headers) == [(b"A", b"1")]


@pytest.mark.parametrize("value", [b"", b"a b", b"a/b", b"a@b"])
def test_a_host_from_the_request_is_checked(value: bytes) -> None:
    """400 for what different servers would read differently."""
    request = Request()
    request.headers = Headers(b"Host: a\r\nX-Tenant: %b\r\n" % value)
    with pytest.raises(ClientError) as caught:
        HeadersMiddleware(Options(request_headers={"Host": "{header.X-Tenant}"})).request(request)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"request_headers": {"A": "{nothing}"}}, "nothing a request has"),
        ({"response": {"add": {"A": "{header}"}}}, "needs to say which"),
        ({"response": {"append": {"Set-Cookie": "a=b"}}}, "nothing can be appended"),
        ({"response": {"delete": ["Connection"]}}, "belongs to the connection"),
        ({"request": {"default": {"Content-Length": "1"}}}, "belongs to the connection"),
        ({"request": {"set": {"a b": "1"}}}, "is not a header name"),
        ({"request": {"add": {"Host": "a"}}}, "one Host"),
        ({"request": {"delete": ["host"]}}, "one Host"),
        ({"request": {"set": {"Host": ""}}}, "one Host"),
        ({"request_headers": {"Host": ""}}, "needs its Host"),
        ({"allowed_hosts": ["a b"]}, "is not a host name"),
        ({"content_security_policy": "a\nb"}, "control character"),
        ({"preset": "lax"}, "preset"),
    ],
)
def test_options_are_checked(options: dict[str, Any], complaint: str) -> None:
    """What could not be sent, or would be read in two ways."""
    with pytest.raises(ValidationError, match=complaint):
        Options.model_validate(options)


def test_groups_are_blocks_or_values() -> None:
    """Both forms mean the same, and a mistake has its place."""
    block = (
        'middlewares "h" {\n type = "headers"\n response {\n  set {\n   X-A = "{ip}"\n  }\n  delete = ["Server"]\n }\n}'
    )
    value = block.replace("response {", "response = {").replace("set {", "set = {")
    assert load_config(config("http://o:1", more=block)).middlewares == (
        load_config(config("http://o:1", more=value)).middlewares
    )
    with pytest.raises(ConfigError, match="nothing a request has"):
        load_config(config("http://o:1", more=block.replace("{ip}", "{nothing}")))


def test_equal_options_are_the_same_to_a_reload() -> None:
    """They compare and hash, groups included."""
    given = {"response": {"set": {"A": "1"}}, "request_headers": {"B": "2"}}
    assert hash(Options.model_validate(given)) == hash(Options.model_validate(given))
    assert hash(Options()) == hash(Options.model_validate({}))


async def test_hosts_on_the_wire() -> None:
    """421, or with `mode = "observe"` only a word in the log."""
    block = 'middlewares "h" {\n type = "headers"\n allowed_hosts = ["b.example"]\n mode = "enforce"\n}'
    hcl = config("http://127.0.0.1:1", router='middlewares = ["h"]', more=block)
    async with gateway(hcl) as running:
        assert (await running.ask(GET + b"\r\n")).status == 421
        assert (await running.ask(GET.replace(b"a.", b"B.").replace(b"le\r", b"le:80\r") + b"\r\n")).status == 502
    async with gateway(hcl.replace("enforce", "observe")) as running:
        assert (await running.ask(GET + b"\r\n")).status == 502
    assert running.records[0]["would_block"] == "h: headers: the host is not one of allowed_hosts"


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


async def test_the_operator_has_the_last_word() -> None:
    """What the gateway itself tells endpoints gives way to what is set or deleted here: no field goes out twice."""
    more = """
    middlewares "h" {
      type = "headers"
      request_headers = { "X-Forwarded-Proto" = "https", "x_real_ip" = "", "X-Forwarded-Port" = "{header.X-P}" }
    }
    """
    async with stage(router='middlewares = ["h"]', more=more) as on:
        seen = await on.forwarded(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-P: 8443\r\n\r\n")
        assert seen.all(b"x-forwarded-proto") == [b"https"]
        assert seen.all(b"x-real-ip") == []
        assert seen.all(b"x-forwarded-port") == [b"8443"]
        assert seen.all(b"x-forwarded-for") == [b"127.0.0.1"]
        assert len(seen.all(b"x-request-id")) == 1
