"""errors: pages of your own."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.errors import Errors, Options
from a3sgw.options import OptionError, ValidationError
from tests.support.echo import Echo, ok
from tests.support.gateway import stage
from tests.support.origin import OK
from tests.support.wire import Message

GET = b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: text/html\r\nCookie: secret\r\n\r\n"
ROUTER = 'middlewares = ["e"]'


def made(*pages: dict[str, object], context: Context | None = None) -> Errors:
    middleware = Errors(Options.model_validate({"pages": list(pages)}))
    middleware.attach(context or Context())
    return middleware


def asked() -> Request:
    request = Request()
    request.id = b"<id>"
    return request


def test_the_first_page_that_names_a_status() -> None:
    """It stands for it; others pass."""
    middleware = made({"status": [404, "502-504"], "body": "a"}, {"status": "400-599", "body": "b"})
    bodies = {}
    for status in (200, 304, 400, 404, 500, 502, 504, 505):
        result = middleware.response(asked(), Response(status, Headers()))
        bodies[status] = result.body.decode() if isinstance(result, Response) else result
    assert bodies == {200: None, 304: None, 400: "b", 404: "a", 500: "b", 502: "a", 504: "a", 505: "b"}


def test_what_is_filled_in() -> None:
    """Status, reason and request id; the id cannot be markup."""
    page = "{status} {reason} {request_id} {other}"
    html = made({"status": 404, "body": page}).response(asked(), Response(404, Headers()))
    assert isinstance(html, Response)
    assert html.body == b"404 Not Found &lt;id&gt; {other}"
    text = made({"status": 404, "body": page, "content_type": "text/plain"})
    plain = text.response(asked(), Response(404, Headers()))
    assert isinstance(plain, Response)
    assert (plain.body, plain.headers.get(b"content-type")) == (b"404 Not Found <id> {other}", b"text/plain")


def test_what_stays_of_the_answer() -> None:
    """Everything but what speaks about the body: who may ask, how to log in, when to come back."""
    original = Headers(
        b"Content-Type: text/plain\r\nETag: x\r\nContent-Encoding: br\r\nWWW-Authenticate: Basic\r\nRetry-After: 3\r\n"
        b"Access-Control-Allow-Origin: *\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 3\r\n"
    )
    page = made({"status": 401, "body": "x"}).response(asked(), Response(401, original))
    assert isinstance(page, Response)
    assert list(page.headers) == [
        (b"WWW-Authenticate", b"Basic"),
        (b"Retry-After", b"3"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"Set-Cookie", b"a=b"),
        (b"Set-Cookie", b"c=d"),
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
    ]


def test_another_status() -> None:
    """With a page or without."""
    middleware = made(
        {"status": 418, "rewrite_status": 404}, {"status": 500, "body": "{status}", "rewrite_status": 503}
    )
    teapot = middleware.response(asked(), Response(418, Headers(), b"tea"))
    assert isinstance(teapot, Response)
    assert (teapot.status, teapot.body) == (404, b"tea")
    broken = middleware.response(asked(), Response(500, Headers()))
    assert isinstance(broken, Response)
    assert (broken.status, broken.body) == (503, b"503")


async def test_a_file(tmp_path: Path) -> None:
    """It is read again when it changes, and must be there at load."""
    (tmp_path / "page").write_text("one {status}")
    middleware = made({"status": 500, "file": "page"}, context=Context(directory=tmp_path))
    await middleware.open()
    page = middleware.response(asked(), Response(500, Headers()))
    assert isinstance(page, Response)
    assert page.body == b"one 500"
    await middleware.close()
    with pytest.raises(OptionError, match="cannot read"):
        made({"status": 500, "file": "none"}, context=Context(directory=tmp_path))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pages": []},
        {"pages": [{"status": 404}]},
        {"pages": [{"status": [], "body": "x"}]},
        {"pages": [{"status": 600, "body": "x"}]},
        {"pages": [{"status": "504-502", "body": "x"}]},
        {"pages": [{"status": True, "body": "x"}]},
        {"pages": [{"status": 404, "body": "x", "file": "y"}]},
        {"pages": [{"status": 404, "body": "x", "service": "y"}]},
        {"pages": [{"status": 404, "service": "y", "query": "x"}]},
        {"pages": [{"status": 404, "body": "x", "rewrite_status": 200}]},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """One source for each page, and statuses that exist."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n\r\nstack", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_on_the_wire(framing: bytes) -> None:
    """The endpoint's own page never gets out; both connections go on."""
    more = 'middlewares "e" {\n type = "errors"\n pages {\n status = ["500-599"]\n body = "<p>{status}</p>"\n }\n}'
    async with stage(router=ROUTER, more=more) as on:
        for _ in range(2):
            await on.client.send(GET)
            there = on.origin.wires[-1] if on.origin.wires else await on.origin.accept()
            await there.message()
            await there.send(b"HTTP/1.1 500 Oh\r\nX-Kept: yes\r\n" + framing)
            answer = await on.client.message()
            assert (answer.status, answer.body, answer.get(b"x-kept")) == (500, b"<p>500</p>", b"yes")
        assert len(on.origin.wires) == 1


SERVICE = 'services "pages" {{\n load_balancer {{\n servers {{ url = "{url}" }}\n }}\n}}\n'
PAGE = 'middlewares "e" {\n type = "errors"\n pages {\n status = ["500-599"]\n service = "pages"\n MORE\n }\n}\n'


async def test_a_page_from_a_service() -> None:
    """It is asked for with chosen fields only; its own headers stay with it, but for those about the page."""
    seen: list[Message] = []
    page = b"Content-Type: text/x\r\nContent-Language: de\r\nSet-Cookie: page=1\r\n"
    async with Echo("PAGES") as pages:

        def answer_of_pages(request: Message) -> bytes:
            seen.append(request)
            return ok(b"from the service", page)

        pages.answer = answer_of_pages
        more = PAGE.replace("MORE", 'query = "/{status}/{original_status}?u={url}"\n rewrite_status = 503')
        async with stage(router=ROUTER, more=more + SERVICE.format(url=pages.url)) as on:
            await on.client.send(GET)
            there = await on.origin.accept()
            await there.message()
            await there.send(b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nstack")
            answer = await on.client.message()
            assert (answer.status, answer.body) == (503, b"from the service")
            assert answer.get(b"content-type") == b"text/x"
            assert (answer.get(b"content-language"), answer.get(b"set-cookie")) == (b"de", None)
            await on.client.send(GET)
            await there.message()
            await there.send(OK)
            assert (await on.client.message()).status == 200
    [request] = seen
    assert request.target == b"/503/500?u=http%3A%2F%2Fa.example%2Fa%3Fb%3Dc"
    assert (request.get(b"accept"), request.get(b"cookie"), request.get(b"host")) == (b"text/html", None, b"a.example")
    assert request.get(b"x-request-id")


async def test_what_the_page_is_told_of_the_request() -> None:
    """The fields that are named, all lines of them, and no others."""
    seen: list[Message] = []
    async with Echo("PAGES") as pages:

        def answer_of_pages(request: Message) -> bytes:
            seen.append(request)
            return ok(b"page")

        pages.answer = answer_of_pages
        more = PAGE.replace("MORE", 'request_headers = ["X-Tenant"]') + SERVICE.format(url=pages.url)
        async with stage(router=ROUTER, more=more) as on:
            lines = b"X-Tenant: 7\r\nx-tenant: 8\r\nAccept: text/html\r\nCookie: secret\r\n\r\n"
            await on.client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n" + lines)
            (await on.origin.accept()).reset()
            assert (await on.client.message()).body == b"page"
    [request] = seen
    assert request.all(b"x-tenant") == [b"7", b"8"]
    assert (request.get(b"accept"), request.get(b"cookie")) == (None, None)


@pytest.mark.parametrize("broken", ["down", "404", "long", "silent"])
async def test_a_service_without_a_page(broken: str) -> None:
    """The answer goes on as it was, and it is counted; an error of the page is no error with a page of its own."""
    async with Echo("PAGES") as pages:
        body = b"x" * 100 if broken == "long" else b"no page"
        pages.answer = lambda request: ok(body).replace(b"200 OK", b"404 X" if broken == "404" else b"200 OK")
        more = PAGE.replace("MORE", 'max_bytes = 10\n timeout = "200ms"') + SERVICE.format(url=pages.url)
        if broken == "down":
            await pages.stop()
        if broken == "silent":
            pages.wait.clear()
        async with stage(router=ROUTER, more=more) as on:
            await on.client.send(GET)
            there = await on.origin.accept()
            await there.message()
            await there.send(b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nstack")
            answer = await on.client.message()
            assert (answer.status, answer.body) == (500, b"stack")
            assert on.running.gateway.metrics().totals()["middlewares"]["e"] == {"page_failed": 1}


async def test_what_the_gateway_itself_answers() -> None:
    """Also when its service is down: the page for 502 may come from another."""
    async with Echo("PAGES") as pages:
        more = PAGE.replace("MORE", "") + SERVICE.format(url=pages.url)
        async with stage(router=ROUTER, more=more) as on:
            await on.client.send(GET)
            (await on.origin.accept()).reset()
            answer = await on.client.message()
            assert answer.status == 502
            assert b"PAGES" in answer.body


def test_the_service_must_exist() -> None:
    """As everywhere."""
    from a3sgw.config.load import Loader

    loaded = Loader().load_text(PAGE.replace("MORE", ""), "t.hcl")
    assert [str(one.place) for one in loaded.diagnostics if one.summary == 'unknown service "pages"'] == ["t.hcl:5:12"]
