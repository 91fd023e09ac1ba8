"""redirect-scheme and redirect-regex: clients are sent elsewhere, and never in a circle."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.config.registry import Registry
from a3sgw.http.message import Request, Response
from a3sgw.http.target import split_target
from a3sgw.middlewares.base import Middleware
from a3sgw.options import ValidationError
from tests.support.gateway import stage


def made(kind: str, **options: object) -> Middleware[Any]:
    """A middleware of this kind."""
    registry = Registry()
    found = registry.options(kind)
    assert found is not None
    middleware: Middleware[Any] = registry.middleware(kind, Middleware)(found.model_validate(options))
    return middleware


def sent(middleware: Middleware[Any], url: str, method: str = "GET") -> tuple[int, str] | None:
    """Status and Location for a request to `url`; None when it passes."""
    scheme, _, rest = url.partition("://")
    authority, slash, target = rest.partition("/")
    request = Request()
    request.method, request.scheme, request.authority = method.encode(), scheme.encode(), authority.encode()
    request.path, request.query, request.target = split_target((slash + target or "/").encode(), False)
    answer = middleware.request(request)
    assert answer is None or isinstance(answer, Response)
    return (answer.status, (answer.headers.get(b"location") or b"").decode()) if answer is not None else None


@pytest.mark.parametrize(
    ("options", "url", "location"),
    [
        ({"scheme": "https"}, "http://a.example/x?y=%20", "https://a.example/x?y=%20"),
        ({"scheme": "https"}, "http://a.example:8080/x", "https://a.example/x"),
        ({"scheme": "https"}, "http://a.example:/x", "https://a.example/x"),
        ({"scheme": "https"}, "http://[::1]:8080/x", "https://[::1]/x"),
        ({"scheme": "https"}, "http://[::1]/x", "https://[::1]/x"),
        ({"scheme": "https"}, "https://a.example/x", None),
        ({"scheme": "https"}, "https://a.example:8443/x", "https://a.example/x"),
        ({"scheme": "https", "port": 443}, "http://a.example/", "https://a.example/"),
        ({"scheme": "https", "port": 8443}, "http://a.example/", "https://a.example:8443/"),
        ({"scheme": "https", "port": 8443}, "https://a.example:8443/", None),
        ({"scheme": "wss"}, "http://a.example/", "wss://a.example/"),
        ({"scheme": "http"}, "https://a.example/", "http://a.example/"),
        ({"scheme": "https"}, "http://a.example/.well-known/acme-challenge/token", None),
        ({"scheme": "https"}, "http:///x", None),
    ],
)
def test_schemes(options: dict[str, object], url: str, location: str | None) -> None:
    """Who is there already passes, and so do authorities that look whether a name is ours."""
    assert sent(made("redirect-scheme", **options), url) == ((302, location) if location else None)


REGEX = "^http://([^/]+)/old/(.*)"


@pytest.mark.parametrize(
    ("regex", "replacement", "url", "location"),
    [
        (REGEX, "https://$1/new/$2", "http://a.example:80/old/a%20b?c=d", "https://a.example:80/new/a%20b?c=d"),
        (REGEX, "https://$1/new/$2", "http://a.example/older", None),
        ("^https?://www\\.(.*)", "https://$1", "http://www.a.example/", "https://a.example/"),
        ("a.example", "a.example", "http://a.example/", None),
        ("^https?://[^/]+/(.*)$", "/$1", "http://a.example//evil.example/x", "/evil.example/x"),
        ("^https?://[^/]+(.*)$", "$1", "http://a.example//evil.example/x", "/evil.example/x"),
        ("$", '#é "', "http://a.example/", "http://a.example/#%C3%A9%20%22"),
    ],
)
def test_expressions(regex: str, replacement: str, url: str, location: str | None) -> None:
    """They see the whole address; what would lead to itself passes; a Location is always a URL."""
    middleware = made("redirect-regex", regex=regex, replacement=replacement)
    assert sent(middleware, url) == ((302, location) if location else None)


@pytest.mark.parametrize(("permanent", "get", "others"), [(False, 302, 307), (True, 301, 308)])
def test_methods_stay_what_they_are(permanent: bool, get: int, others: int) -> None:
    """A POST must not become a GET on the way."""
    scheme = made("redirect-scheme", scheme="https", permanent=permanent)
    regex = made("redirect-regex", regex="^http:", replacement="https:", permanent=permanent)
    for middleware in (scheme, regex):
        for method, status in (("GET", get), ("POST", others), ("HEAD", others), ("PUT", others)):
            assert sent(middleware, "http://a.example/", method) == (status, "https://a.example/")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("redirect-scheme", {}),
        ("redirect-scheme", {"scheme": "ftp"}),
        ("redirect-scheme", {"scheme": "https", "port": 70000}),
        ("redirect-regex", {"regex": "^(.*", "replacement": "$1"}),
        ("redirect-regex", {"regex": "a"}),
        ("redirect-regex", {"regex": "a", "replacement": ""}),
    ],
)
def test_options_are_checked(kind: str, options: dict[str, object]) -> None:
    """A scheme there is, an expression that is one, and something to send to."""
    with pytest.raises(ValidationError):
        made(kind, **options)


async def test_behind_a_proxy() -> None:
    """What a trusted proxy says of the scheme counts, so that there is no loop; what anybody else says does not."""
    more = 'middlewares "r" {\n type = "redirect-scheme"\n scheme = "https"\n}'
    claimed = b"GET /a HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: https\r\n\r\n"
    async with stage(router='middlewares = ["r"]', more=more) as on:
        await on.client.send(claimed)
        answer = await on.client.message()
        assert (answer.status, answer.get(b"location")) == (302, b"https://a.example/a")
    async with stage(router='middlewares = ["r"]', more=more, entrypoint='trusted_ips = ["127.0.0.1"]') as on:
        await on.forwarded(claimed)
