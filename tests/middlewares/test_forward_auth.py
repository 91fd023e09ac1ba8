"""forward-auth: who decides is asked first, and only its word about identity counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from a3sgw import load_config
from a3sgw.errors import ConfigError
from tests.support.gateway import Stage, config, stage
from tests.support.origin import Origin
from tests.support.wire import Message

HEAD = b"GET /p?q=1 HTTP/1.1\r\nHost: a.example\r\n"
YES = b"HTTP/1.1 204 No Content\r\nX-User: anna\r\nX-Role: reader\r\nX-Role: writer\r\nX-Other: x\r\n\r\n"


@asynccontextmanager
async def guarded(answer: bytes = YES, options: str = "") -> AsyncIterator[tuple[Stage, Origin]]:
    """A stage whose router asks another origin, which always gives this answer; b"" for one that is silent."""
    async with Origin() as judge:
        if answer:
            judge.always(answer)
        block = f"""
        middlewares "auth" {{
          type                          = "forward-auth"
          forward_auth_url              = "{judge.url}/judge"
          forward_auth_response_headers = ["X-User", "X-Role"]
          {options}
        }}
        """
        async with stage(router='middlewares = ["auth"]', more=block) as on:
            yield on, judge


async def test_who_is_let_pass() -> None:
    """2xx: the request goes on with the identity the judge gave, and nothing else of its answer."""
    async with guarded() as (on, _):
        seen = await on.forwarded(HEAD + b"X: 1\r\n\r\n")
        assert seen.target == b"/p?q=1"
        assert (seen.get(b"x-user"), seen.all(b"x-role")) == (b"anna", [b"reader", b"writer"])
        assert (seen.get(b"x"), seen.get(b"x-other")) == (b"1", None)


@pytest.mark.parametrize("line", [b"X-User: root", b"x-user: root", b"X_User: root", b"X-Role: root", b"x_ROLE: root"])
@pytest.mark.parametrize("underscores", ["delete", "keep"])
async def test_nobody_can_choose_an_identity(line: bytes, underscores: str) -> None:
    """T-6: the client's own copies are removed in every spelling, also those the judge says nothing about."""
    silent = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with Origin() as judge:
        judge.always(silent)
        block = f"""
        middlewares "auth" {{
          type                          = "forward-auth"
          forward_auth_url              = "{judge.url}/"
          forward_auth_response_headers = ["X-User", "X-Role"]
        }}
        """
        entrypoint = f'underscore_headers = "{underscores}"'
        async with stage(router='middlewares = ["auth"]', more=block, entrypoint=entrypoint) as on:
            seen = await on.forwarded(HEAD + line + b"\r\n\r\n")
            assert b"root" not in [value for _, value in seen.fields]
            assert b"root" not in [value for _, value in judge.requests[0].fields]


async def test_what_the_judge_is_told() -> None:
    """GET with the client's fields, and where the request was going; a trusted description cannot be forged."""
    async with guarded() as (on, judge):
        await on.forwarded(
            b"POST /p?q=1 HTTP/1.1\r\nHost: a.example:80\r\nCookie: c\r\nX-Forwarded-Uri: /public\r\n"
            b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Method: GET\r\nContent-Length: 4\r\n\r\nbody"
        )
        (question,) = judge.requests
    assert question.line == b"GET /judge HTTP/1.1"
    assert question.get(b"cookie") == b"c"
    assert question.get(b"x-forwarded-method") == b"POST"
    assert question.get(b"x-forwarded-uri") == b"/p?q=1"
    assert question.get(b"x-forwarded-host") == b"a.example:80"
    assert question.get(b"x-forwarded-proto") == b"http"
    assert question.get(b"x-forwarded-for") == b"127.0.0.1"
    assert (question.get(b"content-length"), question.get(b"transfer-encoding"), question.body) == (None, None, b"")


async def test_only_chosen_fields_are_told() -> None:
    """`forward_auth_request_headers` limits what the judge learns."""
    async with guarded(options='forward_auth_request_headers = ["Authorization"]') as (on, judge):
        await on.forwarded(HEAD + b"Authorization: a\r\nCookie: secret\r\n\r\n")
        assert judge.requests[0].get(b"authorization") == b"a"
        assert judge.requests[0].get(b"cookie") is None


async def test_who_is_sent_away() -> None:
    """Any other answer goes to the client, with its fields and body but without those about a connection."""
    no = (
        b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
        b"Keep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nlogin"
    )
    async with guarded(no) as (on, _):
        await on.client.send(HEAD + b"\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.body) == (302, b"login")
        assert answer.get(b"location") == b"https://login.example/"
        assert answer.all(b"set-cookie") == [b"a", b"b"]
        assert answer.get(b"keep-alive") is None
        assert on.origin.wires == []


async def test_a_body_waits_until_it_is_wanted() -> None:
    """T-23: who is sent away is not asked for the body; the connection is clear about it."""
    async with guarded(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n") as (on, _):
        await on.client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"connection")) == (401, b"close")
        assert await on.client.rest() == b""


async def test_a_refused_body_is_drained() -> None:
    """A body that came without asking is dropped and the next request served."""
    async with guarded(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n") as (on, judge):
        await on.client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
        assert (await on.client.message()).status == 401
        await on.client.send(b"half" + HEAD + b"\r\n")
        assert (await on.client.message()).status == 401
        assert len(judge.requests) == 2


@pytest.mark.parametrize(
    ("answer", "options", "status"),
    [
        (b"", 'timeout = "200ms"', 504),
        (b"nonsense\r\n\r\n", "", 502),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n" + bytes(100), 'max_response_bytes = "50B"', 502),
    ],
    ids=["silence", "nonsense", "too much"],
)
async def test_a_judge_that_gives_no_answer(answer: bytes, options: str, status: int) -> None:
    """When nobody can say yes, nobody passes."""
    async with guarded(answer, options) as (on, _):
        await on.client.send(HEAD + b"\r\n")
        got = await on.client.message()
        assert (got.status, on.origin.wires) == (status, [])
        assert b"judge" not in got.body


async def test_a_judge_that_is_not_there() -> None:
    """A refused connection is 502, and the log says why."""
    async with guarded() as (on, judge):
        judge.refuse()
        for task in judge._tasks:
            task.cancel()
        await on.client.send(HEAD + b"\r\n")
        assert (await on.client.message()).status == 502
    assert "forward-auth" in on.records[0]["error"]


async def test_values_beyond_ascii() -> None:
    """Odd bytes in the client's fields neither break the question nor reach the judge raw."""
    async with guarded() as (on, judge):
        seen: Message = await on.forwarded(HEAD + b"X-Name: J\xc3\xb6rg\xff\r\n\r\n")
        assert seen.get(b"x-name") == b"J\xc3\xb6rg\xff"
        assert (judge.requests[0].get(b"x-name") or b"").isascii()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ('forward_auth_url = "judge"', "forward_auth_url"),
        ('forward_auth_url = "http://j/"\nforward_auth_response_headers = ["Content-Length"]', "Content-Length"),
        ('forward_auth_url = "http://j/"\nforward_auth_response_headers = ["Host"]', "Host"),
        ('forward_auth_url = "http://j/"\ntimeout = "soon"', '"soon" is not a duration'),
        ('forward_auth_url = "http://j/"\nmax_body_bytes = 1', "max_body_bytes"),
        ("", "forward_auth_url"),
    ],
)
def test_options_are_checked(option: str, complaint: str) -> None:
    """What cannot work is refused at load."""
    with pytest.raises(ConfigError, match=complaint):
        load_config(config("http://o:1", more=f'middlewares "auth" {{\n type = "forward-auth"\n {option}\n}}'))
