"""What is remembered of a head says exactly what reading it anew would say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.http.parser import HttpRequestParser, feed
from a3sgw.http.repeat import RepeatedRequest, RepeatedResponse
from a3sgw.http.request import HeadRules, read_request
from a3sgw.http.response import Incoming, read_response

RULES = HeadRules()
SEEN = (
    *("method", "raw_target", "target", "path", "query", "host", "authority", "minor", "content_length"),
    *("connection", "te", "expect", "trailer", "managed", "persistent", "head", "raw_head"),
)
LINES = (
    b"Host: a.example:80",
    b"Host: B.example",
    b"Accept: */*",
    b"Connection: keep-alive",
    b"Connection: close, X-Hop",
    b"X-Hop: 1",
    b"X_Under: 1",
    b"TE: trailers",
    b"X-Real-Ip: 192.0.2.1",
    b"Content-Length: 0",
    b"Content-Length: 3",
    b"Expect: 100-continue",
    b"Cookie: a_b=1; c=2",
)
TARGETS = (b"/", b"/a?b=c", b"/a//b", b"/%61/../b?x=%zz", b"/./a", b"/a?", b"/a?x=/../y//z", b"/%2e%2e/x", b"/%zz")


def head(method: bytes, target: bytes, lines: list[bytes]) -> bytes:
    """A whole head."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, b"".join(line + b"\r\n" for line in lines))


def facts(request: Request) -> dict[str, object]:
    """Everything the rest of the gateway looks at."""
    return {name: getattr(request, name) for name in SEEN}


def outcome(read: object, *arguments: object) -> object:
    """What reading gives: facts, None, or the status it is refused with."""
    try:
        found = read(*arguments)  # type: ignore[operator]  # one of three functions
    except ClientError as error:
        return error.status
    return facts(found) if isinstance(found, Request) else found


requests = st.tuples(
    st.sampled_from([b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS"]),
    st.sampled_from(TARGETS),
    st.lists(st.sampled_from(LINES), max_size=5, unique=True),
)


@given(st.lists(requests, min_size=2, max_size=12), st.sampled_from(["delete", "keep", "reject"]))
def test_a_repeated_request_is_read_as_if_anew(sent: list[tuple[bytes, bytes, list[bytes]]], underscores: str) -> None:
    """Whatever came before on the connection, memory and reading agree, also about refusals."""
    rules = HeadRules(underscores=underscores)
    repeated = RepeatedRequest()
    for method, target, lines in sent:
        raw = head(method, target, lines)
        anew = outcome(read_request, raw, rules)
        again = outcome(repeated.read, raw, rules)
        assert again is None or again == anew
        if not isinstance(anew, int):
            repeated.remember(read_request(raw, rules), raw, rules)


def test_the_same_block_with_another_target_is_remembered() -> None:
    """The point of it all: only the request line is new."""
    repeated = RepeatedRequest()
    lines = [b"Host: a.example", b"Connection: keep-alive", b"Cookie: a_b=1"]
    first = head(b"GET", b"/one", lines)
    repeated.remember(read_request(first, RULES), first, RULES)
    found = repeated.read(head(b"HEAD", b"/two?x", lines), RULES)
    assert found is not None
    assert (found.method, found.path, found.query, found.host) == (b"HEAD", b"/two", b"x", b"a.example")
    assert found.head == b"HEAD /two?x HTTP/1.1\r\nHost: a.example\r\nCookie: a_b=1\r\n"


@pytest.mark.parametrize(
    ("method", "target"),
    [(b"CONNECT", b"/"), (b"GET", b"*"), (b"GET", b"http://b/"), (b"GET", b"/a b"), (b"get", b"/")],
)
def test_odd_request_lines_are_read_closely(method: bytes, target: bytes) -> None:
    """What is not plainly a path is none of the memory's business."""
    repeated = RepeatedRequest()
    plain = head(b"GET", b"/", [b"Host: a"])
    repeated.remember(read_request(plain, RULES), plain, RULES)
    assert repeated.read(head(method, target, [b"Host: a"]), RULES) is None


def test_other_rules_need_another_look() -> None:
    """After a reload nothing that the old options decided holds any more."""
    repeated = RepeatedRequest()
    raw = head(b"GET", b"/", [b"Host: a", b"X_User: 1"])
    repeated.remember(read_request(raw, RULES), raw, RULES)
    assert repeated.read(raw, RULES) is not None
    assert repeated.read(raw, HeadRules(underscores="keep")) is None


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz/.?%~#\\\"'<>|{}^[]` \t\x00é", max_size=12))
def test_what_the_memory_takes_the_parser_takes(target: str) -> None:
    """A request line that is taken without the parser is one that the parser accepts."""

    class Owner:
        complete = False

        def on_headers_complete(self) -> None:
            self.complete = True

    repeated = RepeatedRequest()
    plain = head(b"GET", b"/", [b"Host: a"])
    repeated.remember(read_request(plain, RULES), plain, RULES)
    raw = head(b"GET", b"/" + target.encode(), [b"Host: a"])
    try:
        taken = repeated.read(raw, RULES) is not None
    except ClientError:
        return
    if taken:
        owner = Owner()
        feed(HttpRequestParser(owner), raw)
        assert owner.complete


def test_a_repeated_response_is_read_as_if_anew() -> None:
    """Same head, same answer; another method or one other byte needs another look, and nothing is shared."""
    repeated = RepeatedResponse()
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\n\r\n"
    first = read_response(raw, b"GET")
    repeated.remember(first, raw, b"GET")
    first.headers.set(b"X-A", b"changed")
    again = repeated.read(raw, b"GET", False)
    assert isinstance(again, Incoming)
    assert (again.status, again.length, again.idle, again.keep) == (200, 2, 5, True)
    assert again.headers.get(b"x-a") == b"1"
    assert repeated.read(raw, b"HEAD", False) is None
    assert repeated.read(raw.replace(b"X-A: 1", b"X-A: 2"), b"GET", False) is None
