"""cors: which origin may use what, as the Fetch standard has it."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw import load_config
from a3sgw.errors import ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.response import read_response
from a3sgw.middlewares.cors import Cors, Options
from a3sgw.options import ValidationError
from tests.support.gateway import config, gateway, stage

APP = "https://app.example"
PREFLIGHT_VARY = (b"Vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
Fields = list[tuple[bytes, bytes]]


def cors(**options: Any) -> Cors:
    return Cors(Options.model_validate({"allowed_origins": [APP], **options}))


def request(method: bytes = b"GET", *lines: str) -> Request:
    made = Request()
    made.method = method
    made.headers = Headers("".join(f"{line}\r\n" for line in lines).encode())
    return made


def preflight(origin: str, *lines: str, method: str = "PUT", **options: Any) -> Fields:
    """What a preflight is answered with."""
    asked = request(b"OPTIONS", f"Origin: {origin}", f"Access-Control-Request-Method: {method}", *lines)
    answer = cors(**options).request(asked)
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"")
    return list(answer.headers)


def answered(*lines: str, head: str = "", **options: Any) -> Fields:
    """What becomes of an endpoint's answer with these lines, however it is looked at."""
    results = []
    for looked_into in (False, True):
        made = read_response(f"HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n".encode(), b"GET")
        if looked_into:
            assert made.headers
        cors(**options).response(request(b"GET", *lines), made)
        results.append(sorted(one for one in made.headers if one[0] != b"Content-Length"))
    assert results[0] == results[1]
    return results[0]


ALLOW = (b"Access-Control-Allow-Origin", APP.encode())
EXPOSE = b"Access-Control-Expose-Headers"
VARY = (b"Vary", b"Origin")
SUB = "https://a.app.example"
PATTERN = r"https://[a-z]+\.app\.example"

# Preflights


def test_a_preflight() -> None:
    """It is told what is allowed, and no more."""
    assert preflight(APP) == [ALLOW, (b"Access-Control-Allow-Methods", b"GET,HEAD,POST"), PREFLIGHT_VARY]
    options: dict[str, Any] = {
        "allowed_methods": ["get", "PUT"],
        "allowed_headers": ["X-A", "Content-Type"],
        "max_age": "10m",
    }
    assert preflight(APP, "Access-Control-Request-Headers: x-other", **options) == [
        ALLOW,
        (b"Access-Control-Allow-Methods", b"GET,PUT"),
        (b"Access-Control-Allow-Headers", b"X-A,Content-Type"),
        (b"Access-Control-Max-Age", b"600"),
        PREFLIGHT_VARY,
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://app.example",
        f"{APP}:8443",
        f"{APP}.evil.example",
        f"{APP}, {APP}",
        f"{APP}/",
    ],
)
def test_a_preflight_of_another_origin(origin: str) -> None:
    """It learns nothing, not even what others may do."""
    assert preflight(origin, allow_credentials=True, allowed_headers=["X-A"], max_age=5) == [PREFLIGHT_VARY]


def test_two_origins_are_none() -> None:
    """A browser sends one."""
    assert preflight(APP, f"Origin: {APP}") == [PREFLIGHT_VARY]


def test_credentials() -> None:
    """Only in the one spelling that browsers accept, and beside the very origin."""
    assert (b"Access-Control-Allow-Credentials", b"true") in preflight(APP, allow_credentials=True)
    assert (b"Access-Control-Allow-Credentials", b"true") in answered(f"Origin: {APP}", allow_credentials=True)
    assert answered("Origin: https://evil.example", allow_credentials=True) == [VARY]


def test_everything_that_is_asked_for() -> None:
    """A star gives back the names asked for: browsers of every age understand it, with credentials too."""
    options: dict[str, Any] = {"allowed_headers": ["*"], "allowed_methods": ["*"], "allow_credentials": True}
    got = preflight(APP, "Access-Control-Request-Headers: x-a, authorization", method="PURGE", **options)
    assert (b"Access-Control-Allow-Methods", b"PURGE") in got
    assert (b"Access-Control-Allow-Headers", b"x-a,authorization") in got
    assert len(preflight(APP, method="GET POST", **options)) == 3
    assert len(preflight(APP, "Access-Control-Request-Headers: a b", **options)) == 4
    assert len(preflight(APP, f"Access-Control-Request-Headers: {'x' * 5000}", **options)) == 4


def test_lists_of_names_as_they_may_be_written() -> None:
    """Blanks, empty items and several lines are one list of names; a list of nothing allows nothing."""
    options: dict[str, Any] = {"allowed_headers": ["*"]}
    both = (b"Access-Control-Allow-Headers", b"x-a,x-b")
    field = "Access-Control-Request-Headers:"
    assert both in preflight(APP, f"{field} x-a ,\t x-b", **options)
    assert both in preflight(APP, f"{field} ,x-a,,x-b, ", **options)
    assert both in preflight(APP, f"{field} x-a", f"{field} x-b", **options)
    for nothing in ("", ",", " , ,"):
        assert b"Access-Control-Allow-Headers" not in dict(preflight(APP, f"{field} {nothing}", **options))


def test_private_networks() -> None:
    """Allowed when asked for and when the operator says so."""
    asked = "Access-Control-Request-Private-Network: true"
    allowed = (b"Access-Control-Allow-Private-Network", b"true")
    assert allowed in preflight(APP, asked, allow_private_network=True)
    assert allowed not in preflight(APP, allow_private_network=True)
    assert allowed not in preflight(APP, asked)
    assert allowed not in preflight("https://evil.example", asked, allow_private_network=True)
    assert b"Request-Private-Network" in dict(preflight(APP, allow_private_network=True))[b"Vary"]


def test_max_age() -> None:
    """0 is an answer; by default there is none."""
    assert (b"Access-Control-Max-Age", b"0") in preflight(APP, max_age=0)
    assert b"Access-Control-Max-Age" not in dict(preflight(APP))


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        (b"GET", (f"Origin: {APP}", "Access-Control-Request-Method: PUT")),
        (b"OPTIONS", (f"Origin: {APP}",)),
        (b"OPTIONS", ("Access-Control-Request-Method: PUT",)),
        (b"OPTIONS", ("Access-Control-Request-Headers: X", f"Origin: {APP}")),
        (b"options", (f"Origin: {APP}", "Access-Control-Request-Method: PUT")),
    ],
)
def test_what_is_no_preflight(method: bytes, lines: tuple[str, ...]) -> None:
    """It goes on to the endpoint, which may well implement OPTIONS."""
    assert cors().request(request(method, *lines)) is None


# Answers


@pytest.mark.parametrize(
    ("lines", "options", "fields"),
    [
        ([f"Origin: {APP}"], {}, [ALLOW, VARY]),
        (["Origin: HTTPS://App.Example:443"], {}, [(ALLOW[0], b"HTTPS://App.Example:443"), VARY]),
        ([f"Origin: {APP}"], {"exposed_headers": ["X-A", "X-B"]}, [ALLOW, (EXPOSE, b"X-A,X-B"), VARY]),
        ([], {}, [VARY]),
        (["Origin: https://evil.example"], {"exposed_headers": ["X-A"]}, [VARY]),
        (["Origin: null"], {}, [VARY]),
        ([f"Origin: {APP}", f"Origin: {APP}"], {}, [VARY]),
        ([f"Origin: {SUB}"], {"allowed_origins": ["https://*.app.example"]}, [(ALLOW[0], SUB.encode()), VARY]),
        ([f"Origin: {SUB}"], {"allowed_origin_regexes": [PATTERN]}, [(ALLOW[0], SUB.encode()), VARY]),
        ([f"Origin: {SUB}.evil.example"], {"allowed_origin_regexes": [PATTERN]}, [VARY]),
        ([f"Origin: {APP}"], {"allowed_origins": []}, [VARY]),
    ],
)
def test_answers(lines: list[str], options: dict[str, Any], fields: Fields) -> None:
    """The origin itself where it is allowed, no CORS field where not, and Vary for both and for those without one."""
    assert answered(*lines, **options) == fields


@pytest.mark.parametrize("lines", [[], [f"Origin: {APP}"], ["Origin: null"]])
def test_answers_for_everybody(lines: list[str]) -> None:
    """They are the same for all and say so to all, so caches need not tell origins apart (Fetch, “HTTP caches”)."""
    fields = [(b"Access-Control-Allow-Origin", b"*"), (b"Access-Control-Expose-Headers", b"*")]
    assert answered(*lines, allowed_origins=["*"], exposed_headers=["*"]) == fields


def test_the_endpoint_has_no_say() -> None:
    """What it says of CORS is replaced, or browsers would refuse two values; its Vary is kept."""
    head = (
        "Access-Control-Allow-Origin: *\r\naccess-control-allow-credentials: true\r\nAccess_Control_Max_Age: 1\r\n"
        "Access-Control-Expose-Headers: X\r\nVary: Accept\r\n"
    )
    vary = (b"Vary", b"Accept, Origin")
    assert answered(f"Origin: {APP}", head=head) == [ALLOW, vary]
    assert answered("Origin: https://evil.example", head=head) == [vary]
    assert answered(head="Vary: origin\r\n") == [(b"Vary", b"origin")]
    assert answered(head="Vary: *\r\n") == [(b"Vary", b"*")]


def test_answers_of_the_gateway() -> None:
    """They have fields and no head."""
    made = Response(401, Headers(b"A: 1\r\n"), b"no")
    cors().response(request(b"GET", f"Origin: {APP}"), made)
    assert list(made.headers) == [(b"A", b"1"), ALLOW, VARY]


# Options


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"allowed_origins": ["*"], "allow_credentials": True}, "does not go with allow_credentials"),
        ({"exposed_headers": ["*"], "allow_credentials": True}, "does not go with allow_credentials"),
        ({"allowed_origin_regexes": [".*"], "allow_credentials": True}, "every site"),
        ({"allowed_origin_regexes": ["https?://.+"], "allow_credentials": True}, "every site"),
        ({"allowed_origins": ["null"]}, '"null" is not an origin'),
        ({"allowed_origins": ["https://a.example/"]}, "is not an origin"),
        ({"allowed_origins": ["app.example"]}, "is not an origin"),
        ({"allowed_origin_regexes": ["("]}, "invalid regular expression"),
        ({"allowed_methods": ["GET POST"]}, "is not a method"),
        ({"allowed_headers": ["X-A, X-B"]}, "is not a header name"),
        ({"exposed_headers": ["a\r\nb"]}, "is not a header name"),
        ({"max_age": "soon"}, "is not a duration"),
    ],
)
def test_options_are_checked(options: dict[str, Any], complaint: str) -> None:
    """What would be unsafe, and what no browser would understand."""
    with pytest.raises(ValidationError, match=complaint):
        Options.model_validate(options)


def test_a_mistake_has_a_place() -> None:
    """File, line and column, on the key it is about."""
    block = 'middlewares "c" {\n type = "cors"\n allowed_origins = ["*"]\n allow_credentials = true\n}'
    text = config("http://o:1", more=block)
    with pytest.raises(ConfigError) as caught:
        load_config(text)
    line = text[: text.index("allowed_origins")].count("\n") + 1
    assert str(caught.value).startswith(f'<text>:{line}:20: error: "*" does not go with allow_credentials')


# On the wire

GUARDED = """
middlewares "guard" {
  type        = "ip-allow"
  allowed_ips = ["192.0.2.0/24"]
}
middlewares "cors" {
  type              = "cors"
  allowed_origins   = ["https://app.example"]
  allow_credentials = true
}
"""
PREFLIGHT = (
    b"OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n\r\n"


async def test_before_everybody_else() -> None:
    """T-50: preflights carry no credentials, so nobody may refuse them; refusals carry CORS fields, or scripts could
    not read them. Wherever it is written."""
    hcl = config("http://127.0.0.1:1", router='middlewares = ["guard", "cors"]', more=GUARDED)
    async with gateway(hcl) as running:
        answer = await running.ask(PREFLIGHT)
        assert (answer.status, answer.get(b"access-control-allow-origin")) == (200, APP.encode())
        assert answer.get(b"content-length") == b"0"
        answer = await running.ask(GET)
        assert (answer.status, answer.get(b"access-control-allow-origin")) == (403, APP.encode())
        assert (answer.get(b"access-control-allow-credentials"), answer.get(b"vary")) == (b"true", b"Origin")


async def test_on_answers_without_an_endpoint() -> None:
    """502 of the gateway can be read by scripts, too."""
    hcl = config("http://127.0.0.1:1", router='middlewares = ["cors"]', more=GUARDED)
    async with gateway(hcl) as running:
        answer = await running.ask(GET)
        assert (answer.status, answer.get(b"access-control-allow-origin")) == (502, APP.encode())


async def test_on_the_way() -> None:
    """The request reaches the endpoint as it is, and the answer the client, with one value of each."""
    async with stage(router='middlewares = ["cors"]', more=GUARDED) as on:
        await on.client.send(GET)
        there = await on.origin.accept()
        assert (await there.message()).get(b"origin") == APP.encode()
        await there.send(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nok")
        answer = await on.client.message()
        assert (answer.get(b"access-control-allow-origin"), answer.body) == (APP.encode(), b"ok")
        await on.client.send(GET.replace(b"app", b"evil"))
        await there.message()
        await there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        answer = await on.client.message()
        assert (answer.get(b"access-control-allow-origin"), answer.get(b"vary")) == (None, b"Origin")
