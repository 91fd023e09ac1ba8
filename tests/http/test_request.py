"""Request heads: what is read out of them, what is cut out of them, and that nothing but a ClientError is raised."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from a3sgw.errors import ClientError
from a3sgw.http.encode import request_head
from a3sgw.http.message import Request
from a3sgw.http.parser import HttpRequestParser, feed
from a3sgw.http.request import HeadRules, read_request, repair

RULES = HeadRules()
HEAD = b"GET /p?q HTTP/1.1\r\nHost: A.Example:8080\r\nX: 1\r\n\r\n"


class Nobody:
    """An owner the strict parser has nothing to tell."""

    def on_headers_complete(self) -> None:
        """Called by the parser."""


def strict(head: bytes) -> bool:
    """Whether the strict parser takes it for a head."""
    try:
        feed(HttpRequestParser(Nobody()), head)
    except ValueError:
        return False
    return True


def acceptable(head: bytes) -> bool:
    """The same, but for methods the parser does not know."""
    return strict(head) or repair(head) == head


def status(head: bytes, rules: HeadRules = RULES) -> int:
    """What a head is refused with, 0 when it is not."""
    if not strict(head):
        return 400
    try:
        read_request(head, rules)
    except ClientError as error:
        return error.status
    return 0


def test_what_is_read() -> None:
    """Method, target, path, query, host and version."""
    request = read_request(HEAD, RULES)
    assert (request.method, request.target, request.path, request.query) == (b"GET", b"/p?q", b"/p", b"q")
    assert (request.host, request.authority, request.minor) == (b"a.example", b"A.Example:8080", 1)
    assert request.content_length == 0
    assert repr(request) == "<Request [GET a.example/p]>"


def test_an_untouched_head_goes_on_as_it_came() -> None:
    """Not one byte differs."""
    assert request_head(read_request(HEAD, RULES), b"") == HEAD


def test_framing() -> None:
    """The length, or None for chunked."""
    assert read_request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", RULES).content_length == 7
    chunked = read_request(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", RULES)
    assert chunked.content_length is None
    assert b"transfer-encoding" not in chunked.headers


def test_chunked_in_http_1_0_is_refused() -> None:
    """HTTP/1.0 knows no codings; who sends one may be misread by everyone behind."""
    assert status(b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 400


@pytest.mark.parametrize(
    ("version", "refused"),
    [(b"HTTP/1.1", 0), (b"HTTP/1.0", 0), (b"HTTP/1.2", 505), (b"HTTP/2.0", 505), (b"HTTP/0.9", 505)],
)
def test_versions(version: bytes, refused: int) -> None:
    """1.0 and 1.1 are spoken."""
    assert status(b"GET / " + version + b"\r\nHost: a\r\n\r\n") in (refused, 400 if refused else 0)


def test_rules_see_what_was_sent_and_middlewares_what_goes_on() -> None:
    """`sent_headers` has the hop-by-hop fields, `headers` has not."""
    request = read_request(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", RULES)
    assert request.sent_headers.get(b"upgrade") == b"websocket"
    assert [name for name, _ in request.headers] == [b"Host"]


NAMES = st.sampled_from(
    b"Host|host|Connection|Content-Length|Transfer-Encoding|Expect|TE|Trailer|Upgrade|X-Forwarded-For|X_Forwarded_For"
    b"|X-A|X-B|Keep-Alive|Cookie|a_b|X-Request-Id|Proxy-Authorization|Forwarded".split(b"|")
)
VALUES = st.sampled_from(
    b"a|a.example|close|X-A, x-b|keep-alive, X-A|0|5|chunked|gzip|100-continue|trailers|| |x, ,\t, y|\xff\xfe|[::1]:80"
    b"|host|content-length|Upgrade, HTTP2-Settings|keep-alive|Keep-Alive".split(b"|")
)
TARGETS = st.sampled_from(
    b"/|/a/../b|/%41%2f|/%|*|http://b.example/x|HTTP://[::1]:8/|https://|a:443|/\xff|/a?b|/a#b".split(b"|")
)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Heads full of the fields that matter."""
    method = draw(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"CONNECT", b"DELETE"]))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]))
    colon = draw(st.sampled_from([b": ", b":", b":\t ", b": "]))
    lines = b"".join(name + colon + value + b"\r\n" for name, value in draw(LINES))
    host = draw(st.sampled_from([b"Host: a.example\r\n", b"Host: a.example\r\n", b""]))
    return method + b" " + draw(TARGETS) + b" " + version + b"\r\n" + host + lines + b"\r\n"


@given(heads(), st.sampled_from(["delete", "keep", "reject"]))
def test_a_head_is_read_or_refused(head: bytes, underscores: str) -> None:
    """For whatever the strict parser accepts there is a request or a ClientError, and what goes on is strict again."""
    if not strict(head):
        return
    try:
        request = read_request(head, HeadRules(underscores=underscores))
    except ClientError as error:
        event(str(error.status))
        return
    check_forwarded(request, underscores)


def check_forwarded(request: Request, underscores: str) -> None:
    """One Host, no hop-by-hop field, no underscore unless kept, and a head that parses."""
    names = [name.lower() for name, _ in request.headers]
    assert names.count(b"host") <= 1
    assert not {b"connection", b"transfer-encoding", b"keep-alive", b"te", b"upgrade", b"expect", b"trailer"} & set(
        names
    )
    assert not any(name.replace(b"_", b"-").startswith((b"x-forwarded-", b"x-real-ip")) for name in names)
    if underscores == "delete":
        assert not any(b"_" in name for name in names)
    own = b"" if b"host" in names else b"Host: x\r\n"
    if request.content_length is None:
        own += b"Transfer-Encoding: chunked\r\n"
    assert acceptable(request_head(request, own))
    request.headers.add(b"X-New", b"1")
    assert acceptable(request_head(request, own))


@given(heads(), st.binary(max_size=6), st.integers(0, 200))
def test_a_damaged_head_is_read_or_refused(head: bytes, garbage: bytes, place: int) -> None:
    """The same with random bytes somewhere in it, repaired where that is possible."""
    position = place % (len(head) - 4)
    damaged = head[:position] + garbage + head[position:]
    end = damaged.find(b"\r\n\r\n") + 4
    damaged = damaged[:end]
    candidate = damaged if strict(damaged) else repair(damaged)
    if candidate is None:
        return
    try:
        request = read_request(candidate, RULES)
    except ClientError:
        return
    check_forwarded(request, "delete")


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (b"GET /caf\xc3\xa9?\xff HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /caf%C3%A9?%FF HTTP/1.1"),
        (b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1"),
        (b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", b"BREW /pot HTTP/1.1"),
    ],
)
def test_what_is_repaired(head: bytes, line: bytes) -> None:
    """Targets that clients get wrong in one clear way, and methods the parser does not know."""
    repaired = repair(head)
    assert repaired is not None
    assert repaired.startswith(line + b"\r\n")
    assert repaired.endswith(b"\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        b"GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"connect a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/3.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_what_is_not_repaired(head: bytes) -> None:
    """Any second fault, and anything that could be read in two ways."""
    assert repair(head) is None


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"websocket", b"websocket"),
        (b",websocket", b"websocket"),
        (b"websocket, ,", b"websocket"),
        (b", h2c,,websocket , a/1", b"websocket, a/1"),
        (b"websocket\r\nUpgrade: ,a", b"websocket, a"),
        (b",", b""),
        (b",h2c", b""),
        (b",web socket", b""),
    ],
)
def test_protocols_asked_for(sent: bytes, wanted: bytes) -> None:
    """Empty elements of Upgrade are ignored (RFC 9110 §5.6.1.2), and do not get to the endpoint."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: %b\r\n\r\n" % sent
    assert read_request(head, RULES).upgrade == wanted
