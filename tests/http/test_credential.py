"""Where a credential stands in a request, and how it goes."""

from __future__ import annotations

import pytest

from a3sgw.http.credential import CredentialError, Places
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request


def places(
    header: str = "Authorization", scheme: str = "Bearer", query: str = "", cookie: str = "", strip: bool = False
) -> Places:
    return Places(header, scheme, query, cookie, strip)


def request(*lines: bytes, query: bytes = b"") -> Request:
    """With these field lines and this query."""
    made = Request()
    made.headers = Headers(b"".join(line + b"\r\n" for line in lines))
    made.query = query
    made.raw_target = made.target = b"/p%20a?" + query if query else b"/p%20a"
    return made


@pytest.mark.parametrize(
    ("line", "token"),
    [
        (b"Authorization: Bearer a.b.c", b"a.b.c"),
        (b"authorization: BEARER a.b.c", b"a.b.c"),
        (b"Authorization: bearer   a.b.c ", b"a.b.c"),
        (b"Authorization: Bearer\ta.b.c", b"a.b.c"),
        (b"Authorization: Bearer a.b.c, Bearer d.e.f", b"a.b.c, Bearer d.e.f"),
        (b"Authorization: Bearer", b""),
        (b"Authorization: Bearer ", b""),
        (b"Authorization: Bearera.b.c", None),
        (b"Authorization: Basic YTpi", None),
        (b"Authorization: a.b.c", None),
        (b"Authorization:", None),
        (b"Proxy-Authorization: Bearer a.b.c", None),
    ],
)
def test_the_header(line: bytes, token: bytes | None) -> None:
    """Behind its scheme, in any case; what is behind another is something else."""
    assert places().take(request(line)) == token


def test_another_header() -> None:
    """With a scheme of its own, or none."""
    line = b"X-Access-Token: a.b.c"
    assert places(header="X-Access-Token", scheme="").take(request(line)) == b"a.b.c"
    assert places(header="X-Access-Token").take(request(line)) is None
    assert places(header="X-Access-Token", scheme="JWT").take(request(b"X-Access-Token: jwt a.b.c")) == b"a.b.c"


@pytest.mark.parametrize("header", ["X-My-Token", "X_My_Token"])
@pytest.mark.parametrize("line", [b"X-My-Token: a", b"x_my_token: a"])
def test_spellings(header: str, line: bytes) -> None:
    """To an endpoint that reads CGI variables they are the same, and so they are here."""
    asked = request(line)
    assert places(header=header, scheme="", strip=True).take(asked) == b"a"
    assert asked.headers.encode() == b""


@pytest.mark.parametrize(
    "lines",
    [
        (b"X-Token: a", b"X-Token: a"),
        (b"X-Token: a", b"x-token: b"),
        (b"X-Token: a", b"X_Token: b"),
        (b"x_token: a", b"X-Token:"),
    ],
)
def test_several_fields(lines: tuple[bytes, ...]) -> None:
    """An endpoint might read another one than we do."""
    with pytest.raises(CredentialError, match="several"):
        places(header="X-Token", scheme="").take(request(*lines))


@pytest.mark.parametrize(
    ("query", "token", "left", "logged"),
    [
        (b"t=a.b.c", b"a.b.c", b"", b"t=REDACTED"),
        (b"x=1&t=a.b.c&y=2", b"a.b.c", b"x=1&y=2", b"x=1&t=REDACTED&y=2"),
        (b"%74=a%2eb.c&y=%20", b"a.b.c", b"y=%20", b"%74=REDACTED&y=%20"),
        (b"t=a&&t=a", b"a", b"", b"t=REDACTED&&t=REDACTED"),
        (b"t=&x", None, b"x", b"t=REDACTED&x"),
        (b"t&x", None, b"x", b"t=REDACTED&x"),
        (b"tt=a&T=b&x=t=c", None, b"tt=a&T=b&x=t=c", b"tt=a&T=b&x=t=c"),
        (b"", None, b"", b""),
    ],
)
def test_the_query(query: bytes, token: bytes | None, left: bytes, logged: bytes) -> None:
    """Its parameter, however it is spelled; nothing else is touched, and logs never show it."""
    for strip in (False, True):
        asked = request(query=query)
        assert places(query="t", strip=strip).take(asked) == token
        rest = (left if strip else query).removesuffix(b"&") if query == b"t=a&&t=a" else left if strip else query
        assert asked.query == rest
        assert asked.target == (b"/p%20a?" + rest if rest else b"/p%20a")
        assert asked.raw_target == (b"/p%20a?" + query if query else b"/p%20a")
        assert asked.shown_target == (b"/p%20a?" + logged if logged != query else b"")


@pytest.mark.parametrize(
    ("lines", "token", "left"),
    [
        ((b"Cookie: t=a.b.c",), b"a.b.c", []),
        ((b"Cookie: x=1; t=a.b.c;y=2",), b"a.b.c", [b"x=1; y=2"]),
        ((b"Cookie: x=1", b"cookie: t=a.b.c", b"Cookie: y=2"), b"a.b.c", [b"x=1", b"y=2"]),
        ((b'Cookie: t="a.b.c"; t=a.b.c',), b"a.b.c", []),
        ((b"Cookie: t=; x=t=1",), None, [b"x=t=1"]),
        ((b"Cookie: tt=a; T=b; x",), None, [b"tt=a; T=b; x"]),
        ((), None, []),
    ],
)
def test_the_cookie(lines: tuple[bytes, ...], token: bytes | None, left: list[bytes]) -> None:
    """Only that one goes; the others stay in their order."""
    asked = request(*lines)
    assert places(cookie="t").take(asked) == token
    assert not asked.headers.changed
    assert places(cookie="t", strip=True).take(asked) == token
    assert asked.headers.get_all(b"cookie") == left


def test_several_places() -> None:
    """The same token in all of them is one; of different ones none can be believed, and all are taken out."""
    everywhere = places(query="t", cookie="t", strip=True)
    same = request(b"Authorization: Bearer a", b"Cookie: t=a", query=b"t=a")
    assert everywhere.take(same) == b"a"
    for other in (
        request(b"Authorization: Bearer a", b"Cookie: t=b"),
        request(b"Authorization: Bearer a", query=b"t=b"),
        request(b"Cookie: t=a", query=b"t=b"),
        request(b"Cookie: t=a; t=b"),
        request(query=b"t=a&t=b"),
    ):
        with pytest.raises(CredentialError, match="several credentials"):
            everywhere.take(other)
        assert (other.headers.encode(), other.query, other.target) == (b"", b"", b"/p%20a")


def test_what_is_no_token_stays() -> None:
    """Credentials of another kind are not ours to take."""
    asked = request(b"Authorization: Basic YTpi", query=b"t=a")
    assert places(query="t", strip=True).take(asked) == b"a"
    assert asked.headers.get(b"authorization") == b"Basic YTpi"


def test_a_refused_request_is_not_logged_with_its_token() -> None:
    """Whatever is wrong with the header."""
    asked = request(b"Authorization: a", b"Authorization: b", query=b"t=secret")
    with pytest.raises(CredentialError):
        places(query="t").take(asked)
    assert asked.shown_target == b"/p%20a?t=REDACTED"


def test_each_hides_its_own() -> None:
    """Two credentials in one query, read by two middlewares."""
    asked = request(query=b"t=secret&key=secret&x=1")
    for name in ("t", "key"):
        assert places(query=name).take(asked) == b"secret"
    assert asked.shown_target == b"/p%20a?t=REDACTED&key=REDACTED&x=1"


def test_names_with_spaces() -> None:
    """A plus is one, in a query."""
    for query in (b"my+token=a", b"my%20token=a", b"m%79+token=a"):
        assert places(query="my token").take(request(query=query)) == b"a"


def test_nowhere_else() -> None:
    """Places without a name are not looked at."""
    asked = request(b"Authorization: Bearer a", b"Cookie: =b", query=b"=c")
    assert places(header="", query="", cookie="").take(asked) is None
    assert asked.shown_target == b""
