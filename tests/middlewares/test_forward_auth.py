"""forward-auth: who decides is asked first, and only its word about identity counts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from a3sgw import load_config
from a3sgw.errors import ClientError, ConfigError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.forward_auth import ForwardAuth, Options
from a3sgw.options import OptionError
from a3sgw.web import Answer
from tests.support.echo import SecureEcho
from tests.support.gateway import Stage, config, gateway, stage
from tests.support.origin import Origin
from tests.support.wire import Message, Wire

HEAD = b"GET /p?q=1 HTTP/1.1\r\nHost: a.example\r\n"
YES = b"HTTP/1.1 204 No Content\r\nX-User: anna\r\nX-Role: reader\r\nX-Role: writer\r\nX-Other: x\r\n\r\n"


@asynccontextmanager
async def guarded(answer: bytes = YES, options: str = "", entrypoint: str = "") -> AsyncIterator[tuple[Stage, Origin]]:
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
        async with stage(router='middlewares = ["auth"]', more=block, entrypoint=entrypoint) as on:
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
    assert question.get(b"x-forwarded-port") == b"80"
    assert question.all(b"x-forwarded-for") == [b"127.0.0.1"]
    assert (question.get(b"content-length"), question.get(b"transfer-encoding"), question.body) == (None, None, b"")


@pytest.mark.parametrize("trusted", [True, False])
async def test_what_a_proxy_in_front_says(trusted: bool) -> None:
    """It is passed on when that proxy is trusted, and when it is not, nobody else is believed either."""
    async with Origin() as judge:
        judge.always(YES)
        block = f"""
        middlewares "auth" {{
          type                 = "forward-auth"
          forward_auth_url     = "{judge.url}/"
          trust_forward_header = true
        }}
        """
        entrypoint = 'trusted_ips = ["127.0.0.1"]' if trusted else ""
        async with stage(router='middlewares = ["auth"]', more=block, entrypoint=entrypoint) as on:
            told = b"X-Forwarded-Method: PATCH\r\nX-Forwarded-Uri: /before\r\nX-Forwarded-Host: front.example\r\n\r\n"
            await on.forwarded(HEAD + told)
        names = (b"x-forwarded-method", b"x-forwarded-uri", b"x-forwarded-host")
        said = [judge.requests[0].all(name) for name in names]
    front = [[b"PATCH"], [b"/before"], [b"front.example"]]
    assert said == (front if trusted else [[b"GET"], [b"/p?q=1"], [b"a.example"]])


async def test_only_chosen_fields_are_told() -> None:
    """`forward_auth_request_headers` limits what the judge learns."""
    async with guarded(options='forward_auth_request_headers = ["Authorization"]') as (on, judge):
        await on.forwarded(HEAD + b"Authorization: a\r\nCookie: secret\r\n\r\n")
        assert judge.requests[0].get(b"authorization") == b"a"
        assert judge.requests[0].get(b"cookie") is None


async def test_fields_are_chosen_by_what_their_names_match() -> None:
    """`forward_auth_request_headers_regex` adds to the list, in any case and spelling, and nothing else is told."""
    options = 'forward_auth_request_headers = ["Cookie"]\nforward_auth_request_headers_regex = "^x-tenant"'
    async with guarded(options=options, entrypoint='underscore_headers = "keep"') as (on, judge):
        await on.forwarded(HEAD + b"Cookie: c\r\nX-Tenant: 7\r\nX_TENANT_Zone: eu\r\nAuthorization: a\r\n\r\n")
        (question,) = judge.requests
        assert (question.get(b"cookie"), question.get(b"x-tenant")) == (b"c", b"7")
        assert question.get(b"x_tenant_zone") == b"eu"
        assert question.get(b"authorization") is None


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
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "", 502),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n" + bytes(100), 'max_response_bytes = "50B"', 502),
    ],
    ids=["silence", "nonsense", "another protocol", "too much"],
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


async def test_two_credentials() -> None:
    """The judge could look at one of them and the endpoint at the other: nobody is asked."""
    async with guarded() as (on, judge):
        await on.client.send(HEAD + b"Authorization: Bearer anna\r\nauthorization: Bearer root\r\n\r\n")
        assert (await on.client.message()).status == 400
        assert (judge.requests, on.origin.wires) == ([], [])


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
        ('forward_auth_url = "http://j/"\nmax_body_bytes = 1', "no body is sent"),
        ('forward_auth_url = "http://j/"\nforward_auth_response_headers = ["X User"]', "not one word"),
        ('forward_auth_url = "unix:run/auth.sock"', "forward_auth_url"),
        ('forward_auth_url = "unix:/run/auth.sock:path"', "is no socket"),
        ('forward_auth_url = "http://j/"\ntls { ca_file = "x" }', "tls is for https"),
        ('forward_auth_url = "https://j/"\ntls { key_file = "x" }', "a key without its certificate"),
        ('forward_auth_url = "http://j/"\nforward_auth_response_headers_regex = "^X-("', "regular expression"),
        ('forward_auth_url = "http://j/"\nforward_auth_response_headers_regex = "^X_"', "hyphens"),
        ('forward_auth_url = "http://j/"\nforward_auth_request_headers_regex = "(?-i)^X-"', "leave out"),
        ('forward_auth_url = "http://j/"\non_error = "shrug"', "on_error"),
        ("", "forward_auth_url"),
    ],
)
def test_options_are_checked(option: str, complaint: str) -> None:
    """What cannot work is refused at load."""
    with pytest.raises(ConfigError, match=complaint):
        load_config(config("http://o:1", more=f'middlewares "auth" {{\n type = "forward-auth"\n {option}\n}}'))


async def test_fields_by_their_names() -> None:
    """What matches is taken from the answer, and from the client's request in any spelling; framing never is."""
    yes = (
        b"HTTP/1.1 200 OK\r\nx-auth-user: anna\r\nX-AUTH-Team: a\r\nX-Forwarded-For: 10.0.0.1\r\nX-Other: x\r\n"
        b"Connection: keep-alive, X-Auth-Hop\r\nX-Auth-Hop: 1\r\nContent-Length: 2\r\n\r\nok"
    )
    for expression in ("^X-Auth-", "(?i)^x-auth", "."):
        option = f'forward_auth_response_headers_regex = "{expression}"'
        async with guarded(yes, option) as (on, judge):
            seen = await on.forwarded(
                b"POST / HTTP/1.1\r\nHost: a.example\r\nX-Auth-User: root\r\nx-AUTH-role: root\r\n"
                b"Content-Length: 4\r\n\r\nbody"
            )
            assert b"root" not in [value for _, value in (*seen.fields, *judge.requests[0].fields)]
            assert (seen.get(b"x-auth-user"), seen.get(b"x-auth-team")) == (b"anna", b"a")
            assert (seen.get(b"x-auth-hop"), seen.all(b"x-forwarded-for")) == (None, [b"127.0.0.1"])
            assert (seen.get(b"x-other") is None) == (expression != ".")
            assert (seen.all(b"host"), seen.all(b"content-length"), seen.body) == ([b"a.example"], [b"4"], b"body")


async def test_a_field_of_our_own() -> None:
    """Where the auth server is asked for one, its word is the only one."""
    yes = b"HTTP/1.1 200 OK\r\nX-Real-Ip: 192.0.2.1\r\nContent-Length: 0\r\n\r\n"
    async with Origin() as judge:
        judge.always(yes)
        block = f"""
        middlewares "auth" {{
          type                          = "forward-auth"
          forward_auth_url              = "{judge.url}/"
          forward_auth_response_headers = ["X-Real-Ip"]
        }}
        """
        async with stage(router='middlewares = ["auth"]', more=block) as on:
            seen = await on.forwarded(HEAD + b"\r\n")
            assert seen.all(b"x-real-ip") == [b"192.0.2.1"]


async def test_the_body_goes_along() -> None:
    """To the judge with its type, and whole to the endpoint; a longer one is refused before anybody is asked."""
    options = "forward_body = true\nmax_body_bytes = 8\npreserve_request_method = true"
    async with guarded(options=options) as (on, judge):
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\n"
        for framing in (b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"):
            seen = await on.forwarded(post + framing)
            question = judge.requests[-1]
            assert (question.line, question.body) == (b"POST /judge HTTP/1.1", b"body")
            assert (question.get(b"content-type"), seen.body) == (b"text/x", b"body")
        await on.forwarded(HEAD + b"Content-Type: text/x\r\n\r\n")
        assert (judge.requests[-1].get(b"content-type"), judge.requests[-1].body) == (None, b"")
        await on.client.send(post + b"Content-Length: 9\r\n\r\ntoo large")
        assert (await on.client.message()).status == 413
        assert len(judge.requests) == 3


async def test_a_body_that_cannot_be_judged_is_no_yes() -> None:
    """In observe mode it is noted, and goes on."""
    options = 'mode = "observe"\nforward_body = true\nmax_body_bytes = 8'
    async with guarded(options=options) as (on, judge):
        await on.forwarded(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ntoo large")
        assert judge.requests == []
    assert on.records[0]["would_block"] == "auth: forward-auth: a body too long to be judged"


async def test_the_method_can_stay() -> None:
    """Whatever it is."""
    async with guarded(options="preserve_request_method = true") as (on, judge):
        for method in (b"POST", b"HEAD", b"PROPFIND"):
            await on.forwarded(b"%b / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" % method)
            assert judge.requests[-1].line == b"%b /judge HTTP/1.1" % method


async def test_cookies_for_the_client() -> None:
    """Those that are named, in place of the endpoint's of the same name."""
    yes = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: session=new; Path=/; HttpOnly\r\nSet-Cookie: other=1\r\n"
        b"Set-Cookie: sessions=1\r\nContent-Length: 0\r\n\r\n"
    )
    async with guarded(yes, 'add_auth_cookies_to_response = ["session", "fresh"]') as (on, _):
        await on.client.send(HEAD + b"\r\n")
        there = await on.origin.accept()
        await there.message()
        own = b"Set-Cookie: session=old\r\nSet-Cookie: theme=dark\r\nSet-Cookie: fresh=1\r\n"
        await there.send(b"HTTP/1.1 200 OK\r\n%bContent-Length: 0\r\n\r\n" % own)
        answer = await on.client.message()
        assert answer.all(b"set-cookie") == [b"theme=dark", b"fresh=1", b"session=new; Path=/; HttpOnly"]


@pytest.mark.parametrize(
    ("location", "options", "expected"),
    [
        (b"/login?x=1", "", b"{url}/login?x=1"),
        (b"login", "", b"{url}/login"),
        (b"https://login.example/", "", b"https://login.example/"),
        (b"http://[", "", b"http://["),
        (b"/login", "preserve_location_header = true", b"/login"),
    ],
)
async def test_redirects(location: bytes, options: str, expected: bytes) -> None:
    """To the client, with an address that leads there."""
    answer = b"HTTP/1.1 303 See Other\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location
    async with guarded(answer, options) as (on, judge):
        await on.client.send(HEAD + b"\r\n")
        got = await on.client.message()
        assert (got.status, got.get(b"location")) == (303, expected.replace(b"{url}", judge.url.encode()))


@pytest.mark.parametrize("status", [401, 403])
async def test_where_to_sign_in(status: int) -> None:
    """401 leads there, and back again later; everything else stays what it is."""
    no = b"HTTP/1.1 %d No\r\nSet-Cookie: csrf=1\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno" % status
    async with guarded(no, 'auth_signin_url = "https://login.example/?rd={url}"') as (on, _):
        await on.client.send(HEAD + b"\r\n")
        answer = await on.client.message()
        assert answer.all(b"set-cookie") == [b"csrf=1"]
        if status == 401:
            assert (answer.status, answer.body, answer.get(b"www-authenticate")) == (302, b"", None)
            assert answer.get(b"location") == b"https://login.example/?rd=http%3A%2F%2Fa.example%2Fp%3Fq%3D1"
        else:
            assert (answer.status, answer.body, answer.get(b"location")) == (403, b"no", None)


async def test_who_it_is() -> None:
    """For the access log."""
    async with guarded(options='header_field = "x-user"') as (on, _):
        await on.forwarded(HEAD + b"X-User: root\r\n\r\n")
    assert on.records[0]["identity"] == "anna"


async def test_a_crowd_at_once() -> None:
    """However many come before the first question is on its way."""
    made = ForwardAuth(Options.model_validate({"forward_auth_url": "http://127.0.0.1:1/", "max_concurrent": 2}))
    await made.open()
    answers = [made.request(Request()) for _ in range(5)]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert sorted(one.status for one in results if isinstance(one, ClientError)) == [502, 502, 503, 503, 503]
    await made.close()


async def test_who_was_known_before() -> None:
    """An answer that names nobody takes nothing away from what another middleware has found out."""
    made = ForwardAuth(Options.model_validate({"forward_auth_url": "http://a/", "header_field": "X-User"}))
    request = Request()
    request.learn("identity", "anna")
    for fields in ((), ((b"X-User", b""),)):
        made._admit(request, Answer(200, fields, b""))
        assert request.facts == {"identity": "anna"}
    made._admit(request, Answer(200, ((b"x-user", b"ben"),), b""))
    assert request.facts == {"identity": "ben"}


async def test_a_judge_on_a_socket(tmp_path: Path) -> None:
    """In the file system, under a path."""
    socket = tmp_path / "auth.sock"
    async with Origin(str(socket)) as judge:
        judge.always(YES)
        block = f"""
        middlewares "auth" {{
          type             = "forward-auth"
          forward_auth_url = "unix:{socket}:/check?a=1"
        }}
        """
        async with stage(router='middlewares = ["auth"]', more=block) as on:
            await on.forwarded(HEAD + b"\r\n")
        assert judge.requests[0].line == b"GET /check?a=1 HTTP/1.1"


async def test_a_judge_by_https(tmp_path: Path) -> None:
    """Only one that can show who it is, and it knows who asks."""
    right, wrong = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    right.issue_cert("auth.internal").configure_cert(tls)
    right.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    right.cert_pem.write_to_path(str(tmp_path / "right.pem"))
    wrong.cert_pem.write_to_path(str(tmp_path / "wrong.pem"))
    right.issue_cert("gateway.internal").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))

    async def status(port: int, options: str) -> int:
        block = f"""
        middlewares "auth" {{
          type             = "forward-auth"
          forward_auth_url = "https://127.0.0.1:{port}/"
          tls {{
            {options}
          }}
        }}
        """
        async with Origin() as origin:
            origin.always()
            hcl = config(origin.url, router='middlewares = ["auth"]', more=block)
            async with gateway(hcl) as running:
                return (await running.ask(HEAD + b"\r\n")).status

    async with SecureEcho("AUTH", tls) as judge:
        own, name = f'cert_file = "{tmp_path}/own.pem"', 'server_name = "auth.internal"'
        assert await status(judge.port, f'ca_file = "{tmp_path}/right.pem"\n{own}\n{name}') == 200
        assert await status(judge.port, f"insecure_skip_verify = true\n{own}") == 200
        assert await status(judge.port, f'ca_file = "{tmp_path}/right.pem"\n{name}') == 502
        assert await status(judge.port, f'ca_file = "{tmp_path}/right.pem"\n{own}') == 502
        assert await status(judge.port, f'ca_file = "{tmp_path}/wrong.pem"\n{own}\n{name}') == 502
    made = ForwardAuth(Options.model_validate({"forward_auth_url": "https://a/", "tls": {"ca_file": "missing.pem"}}))
    with pytest.raises(OptionError, match="cannot use the files of tls"):
        made.attach(Context("auth", tmp_path))


@pytest.mark.parametrize(
    ("answer", "options", "status"),
    [
        (b"", 'timeout = "200ms"', 200),
        (b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", "", 500),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n" + bytes(100), 'max_response_bytes = "50B"', 502),
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", 502),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nhalf", 'timeout = "200ms"', 504),
    ],
    ids=["silence", "its own fault", "too much", "half an answer", "an endless answer"],
)
async def test_an_operator_who_lets_everybody_pass(answer: bytes, options: str, status: int) -> None:
    """`on_error = "allow"`: nobody is identified, and what was said counts."""
    async with Origin() as judge, Origin() as origin:
        origin.always()
        if answer:
            judge.always(answer)
        block = f"""
        middlewares "auth" {{
          type                          = "forward-auth"
          forward_auth_url              = "{judge.url}/"
          forward_auth_response_headers = ["X-User"]
          on_error                      = "allow"
          {options}
        }}
        """
        async with gateway(config(origin.url, router='middlewares = ["auth"]', more=block)) as running:
            assert (await running.ask(HEAD + b"X-User: root\r\n\r\n")).status == status
            assert [seen.get(b"x-user") for seen in origin.requests] == [None] * (status == 200)
            if not answer:
                judge.refuse()
                assert (await running.ask(HEAD + b"\r\n")).status == 200


async def test_a_slow_judge_holds_nobody_else_up() -> None:
    """Other routes go on, and so many questions at once are enough: who comes then may come back later."""
    more = """
    routers "open" {
      rule    = "Path(`/open/to/everybody`)"
      service = "origin"
    }
    """
    async with Origin() as judge, Origin() as origin:
        origin.always()
        block = f"""
        middlewares "auth" {{
          type             = "forward-auth"
          forward_auth_url = "{judge.url}/"
          max_concurrent   = 2
        }}
        """
        async with gateway(config(origin.url, router='middlewares = ["auth"]', more=block + more)) as running:
            waiting = [await running.connect() for _ in range(2)]
            for wire in waiting:
                await wire.send(HEAD + b"\r\n")
            asked = [await judge.accept() for _ in range(2)]
            for wire in asked:
                await wire.message()
            refused = await running.ask(HEAD + b"\r\n")
            assert (refused.status, refused.get(b"retry-after")) == (503, b"1")
            assert (await running.ask(b"GET /open/to/everybody HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
            for wire in asked:
                await wire.send(YES)
            assert [(await wire.message()).status for wire in waiting] == [200, 200]
            for wire in asked:
                wire.close()
            judge.always(YES)
            assert (await running.ask(HEAD + b"\r\n")).status == 200


async def test_a_kept_connection_that_was_closed() -> None:
    """The question is asked again, also with a method that is not repeated otherwise."""

    answered: set[Wire] = set()

    async def once(wire: Wire, _: Message) -> bool:
        if wire in answered:
            return False
        answered.add(wire)
        await wire.send(YES)
        return True

    async with Origin() as judge, Origin() as origin:
        origin.always()
        judge.play(once)
        block = f"""
        middlewares "auth" {{
          type                    = "forward-auth"
          forward_auth_url        = "{judge.url}/"
          preserve_request_method = true
        }}
        """
        async with gateway(config(origin.url, router='middlewares = ["auth"]', more=block)) as running:
            post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
            assert [(await running.ask(post)).status for _ in range(3)] == [200] * 3
            assert (len(judge.requests), len(answered)) == (5, 3)


async def test_a_handshake() -> None:
    """A WebSocket's is asked about like anything else, and the question asks for no upgrade."""
    async with guarded() as (on, judge):
        await on.client.send(
            HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await (await on.origin.accept()).message()
        question = judge.requests[0]
        assert question.get(b"sec-websocket-key") == b"dGhlIHNhbXBsZSBub25jZQ=="
        assert question.get(b"upgrade") is None


async def test_each_has_its_own_limit() -> None:
    """What another one may look at is no more for this one."""
    async with Origin() as judge:
        judge.always(YES)
        more = "".join(
            f"""
            middlewares "{name}" {{
              type             = "forward-auth"
              forward_auth_url = "{judge.url}/"
              forward_body     = true
              max_body_bytes   = {limit}
            }}
            """
            for name, limit in (("large", 1000), ("small", 5))
        )
        async with stage(router='middlewares = ["large", "small"]', more=more) as on:
            post = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
            seen = await on.forwarded(post + b"Content-Length: 5\r\n\r\nabcde")
            assert seen.body == b"abcde"
            await on.client.send(post + b"Content-Length: 6\r\n\r\nabcdef")
            assert (await on.client.message()).status == 413
            assert [one.body for one in judge.requests] == [b"abcde", b"abcde", b"abcdef"]
