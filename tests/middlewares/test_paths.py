"""What changes paths: prefixes taken off and put on, paths replaced, targets made of pieces of the request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.config.registry import Registry
from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
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


def asked(target: str, **captures: str) -> Request:
    """A request for this target."""
    request = Request()
    request.raw_target = target.encode()
    request.path, request.query, request.target = split_target(request.raw_target)
    request.headers = Headers(b"Host: a.example\r\nX-Tenant: a/b c\r\nX-Replaced-Path: faked\r\n")
    request.authority = request.host = b"a.example"
    request.captures = captures
    return request


CASES = [
    ("strip-prefix-regex", {"regex": ["/v[0-9]+"]}, "/v2/a%2Fb?c", "/a%2Fb?c"),
    ("strip-prefix-regex", {"regex": ["/v[0-9]+"]}, "/v2", "/"),
    ("strip-prefix-regex", {"regex": ["/v[0-9]+"]}, "/a/v2/b", "/a/v2/b"),
    ("strip-prefix-regex", {"regex": ["/x", "(?i)^/API"]}, "/api/b", "/b"),
    ("strip-prefix-regex", {"regex": ["/%2F"]}, "/%2f/b", "/b"),
    ("strip-prefix-regex", {"regex": ["z*"]}, "/a", "/a"),
    ("add-prefix", {"prefix": "/app"}, "/a%2fb?c=%20", "/app/a%2fb?c=%20"),
    ("add-prefix", {"prefix": "app/"}, "/", "/app/"),
    ("add-prefix", {"prefix": "/ä b"}, "/a", "/%C3%A4%20b/a"),
    ("replace-path", {"path": "/one"}, "/a/b?c", "/one?c"),
    ("replace-path", {"path": "/ü"}, "/a", "/%C3%BC"),
    ("replace-path-regex", {"regex": "^/a/(.*)/(.*)", "replacement": "/$2/$1"}, "/a/b/c?d", "/c/b?d"),
    ("replace-path-regex", {"regex": "^/a/(?P<rest>.*)", "replacement": "/x/${rest}y"}, "/a/b%20c", "/x/b%20cy"),
    ("replace-path-regex", {"regex": "a", "replacement": "$$b$1"}, "/a/a", "/$b/$b"),
    ("replace-path-regex", {"regex": "^/none", "replacement": "/x"}, "/a%2fb", "/a%2fb"),
    ("replace-path-regex", {"regex": "^/", "replacement": ""}, "/a", "/a"),
    ("rewrite", {"target": "/new"}, "/old?q=1", "/new?q=1"),
    ("rewrite", {"target": "/new?"}, "/old?q=1", "/new"),
    (
        "rewrite",
        {"target": "/{path.tail}/{query.q}?p={path.tail}&q={query.q}"},
        "/old?q=1%2F/",
        "/a%2Fb/1%2F%2F?p=a%2Fb&q=1%2F/",
    ),
    ("rewrite", {"target": "/t/{header.X-Tenant}{path}"}, "/a/b", "/t/a%2Fb%20c/a/b"),
    ("rewrite", {"target": "/t?{query}&x=1"}, "/a?b=c", "/t?b=c&x=1"),
    ("rewrite", {"target": "/baz", "prefix": "/foo/"}, "/foo/bar?c", "/baz/bar?c"),
    ("rewrite", {"target": "/baz", "prefix": "/foo"}, "/foo", "/baz"),
    ("rewrite", {"target": "/baz", "prefix": "/foo"}, "/football", "/football"),
    ("rewrite", {"target": "/baz/", "prefix": "/"}, "/a", "/baz/a"),
]


@pytest.mark.parametrize(("kind", "options", "before", "after"), CASES)
def test_targets(kind: str, options: dict[str, object], before: str, after: str) -> None:
    """What the endpoint gets, and that it is what later middlewares see."""
    request = asked(before, tail="a%2Fb")
    made(kind, **options).request(request)
    assert request.target.decode() == after
    assert split_target(request.target, False)[:2] == (request.path, request.query)


@pytest.mark.parametrize(
    ("kind", "options", "before"),
    [
        ("strip-prefix-regex", {"regex": ["/api"]}, "/api../admin"),
        ("strip-prefix-regex", {"regex": ["/api"]}, "/api./foo"),
        ("replace-path-regex", {"regex": "^/api(.*)", "replacement": "/$1"}, "/api../admin"),
        ("replace-path-regex", {"regex": "x", "replacement": "."}, "/a/xx/b"),
        ("rewrite", {"target": "/a/{query.q}/b"}, "/?q=.."),
        ("rewrite", {"target": "/a/{query.q}/b"}, "/?q=%2e%2E"),
        ("rewrite", {"target": "/files{path.tail}"}, "/x"),
        ("rewrite", {"host": "{header.X-None}"}, "/"),
        ("rewrite", {"host": "{header.X-Tenant}.internal"}, "/"),
        ("rewrite", {"host": "{header.X-None}.internal"}, "/"),
        ("rewrite", {"host": "{query.h}.internal"}, "/?h=["),
        ("rewrite", {"host": "{query.h}.internal"}, "/?h=a:99"),
    ],
)
def test_nobody_gets_out_of_where_it_leads_to(kind: str, options: dict[str, object], before: str) -> None:
    """Dot segments in the result are refused, however they came about, and so is a host that is none."""
    with pytest.raises(ClientError) as caught:
        made(kind, **options).request(asked(before, tail="/../etc"))
    assert caught.value.status == 400


@given(st.text(alphabet="ab/.%2fF61e?#é\r\n", max_size=12))
def test_path_and_target_stay_one_resource(piece: str) -> None:
    """Whatever is put into a target, it reads as the path, in characters that a target may have, or is refused."""
    for template in ("/x/{path.p}", "/x/{header.X-P}?{query.p}={path.p}"):
        request = asked("/?p=1", p=piece)
        request.headers.set(b"X-P", piece.encode())
        try:
            made("rewrite", target=template).request(request)
        except ClientError:
            continue
        assert split_target(request.target, False)[:2] == (request.path, request.query)
        assert all(0x20 < byte < 0x7F and byte not in b'"<>\\^`{|}#' for byte in request.target)


def test_what_the_endpoint_is_told() -> None:
    """What the path was, whatever the client claims; a prefix by pattern cannot begin a new line."""
    request = asked("/a%20b/c")
    made("replace-path", path="/x").request(request)
    assert request.headers.get_all(b"x-replaced-path") == [b"/a%20b/c"]
    request = asked("/a")
    made("replace-path-regex", regex="a", replacement="b").request(request)
    assert request.headers.get_all(b"x-replaced-path") == [b"/a"]
    request = asked("/a%0d%0aX-Evil:%201/b")
    made("strip-prefix-regex", regex=["/a[^/]*"]).request(request)
    assert request.headers.get_all(b"x-forwarded-prefix") == [b"/a%0D%0AX-Evil: 1"]
    request = asked("/a", tenant="acme")
    made("rewrite", host="{path.tenant}.internal:81").request(request)
    assert request.headers.get_all(b"host") == [b"acme.internal:81"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("strip-prefix-regex", {"regex": []}),
        ("strip-prefix-regex", {"regex": ["(a"]}),
        ("add-prefix", {"prefix": ""}),
        ("add-prefix", {"prefix": "/"}),
        ("add-prefix", {"prefix": "/a?b"}),
        ("replace-path", {"path": "a"}),
        ("replace-path", {"path": "/a?b"}),
        ("replace-path-regex", {"regex": "^(.*", "replacement": "/"}),
        ("replace-path-regex", {"regex": "(?=a)", "replacement": "/"}),
        ("rewrite", {}),
        ("rewrite", {"target": "a"}),
        ("rewrite", {"target": "/a#b"}),
        ("rewrite", {"target": "/{nothing}"}),
        ("rewrite", {"host": "a", "prefix": "/b"}),
    ],
)
def test_options_are_checked(kind: str, options: dict[str, object]) -> None:
    """Nothing that is no path, expression or piece of a request."""
    with pytest.raises(ValidationError):
        made(kind, **options)


async def test_on_the_wire() -> None:
    """One after the other, and the endpoint gets what comes out."""
    more = """
    middlewares "a" {
      type  = "strip-prefix-regex"
      regex = ["^/t-[a-z]+"]
    }
    middlewares "b" {
      type        = "replace-path-regex"
      regex       = "^/v1/([^/]+)"
      replacement = "/$1/v1"
    }
    middlewares "c" {
      type   = "rewrite"
      target = "{path}?tenant={path.tenant}&{query}"
      host   = "{path.tenant}.internal"
    }
    middlewares "d" {
      type   = "add-prefix"
      prefix = "/app"
    }
    """.replace('"{path}?', '"/{path}?')
    rule = "PathPattern(`/:tenant/*`)"
    async with stage(rule=rule, router='middlewares = ["a", "b", "c", "d"]', more=more) as on:
        seen = await on.forwarded(b"GET /t-acme/v1/users/a%2fb?x=1 HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert seen.target == b"/app//users/v1/a%2Fb?tenant=t-acme&x=1"
        assert seen.all(b"host") == [b"t-acme.internal"]
        assert seen.get(b"x-forwarded-prefix") == b"/t-acme"
        assert seen.get(b"x-replaced-path") == b"/v1/users/a%2fb"
