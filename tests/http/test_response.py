"""Response heads: one clear framing, or a ValueError."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.encode import response_head
from a3sgw.http.parser import HttpResponseParser, feed
from a3sgw.http.response import CHUNKED, UNTIL_CLOSE, Incoming, read_response


class Nobody:
    """An owner the strict parser has nothing to tell."""

    def on_headers_complete(self) -> None:
        """Called by the parser."""


def read(raw: bytes, method: bytes) -> Incoming:
    """What a connection does with a whole head."""
    feed(HttpResponseParser(Nobody()), raw)
    return read_response(raw, method)


def head(*lines: bytes, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A response head."""
    return line + b"\r\n" + b"".join(one + b"\r\n" for one in lines) + b"\r\n"


@pytest.mark.parametrize(
    ("raw", "method", "length", "keep"),
    [
        (head(b"Content-Length: 5"), b"GET", 5, True),
        (head(b"content-length:5 "), b"GET", 5, True),
        (head(b"Transfer-Encoding: chunked"), b"GET", CHUNKED, True),
        (head(b"Transfer-Encoding: Chunked"), b"GET", CHUNKED, True),
        (head(), b"GET", UNTIL_CLOSE, False),
        (head(), b"HEAD", 0, True),
        (head(b"Content-Length: 5"), b"HEAD", 0, True),
        (head(b"Content-Length: 5", line=b"HTTP/1.1 304 Not Modified"), b"GET", 0, True),
        (head(b"Content-Length: 5", line=b"HTTP/1.1 204 No Content"), b"GET", 0, True),
        (head(b"Content-Length: 5", b"Connection: close"), b"GET", 5, False),
        (head(b"Content-Length: 5", b"Connection: X, Close"), b"GET", 5, False),
        (head(b"Content-Length: 5", line=b"HTTP/1.0 200 OK"), b"GET", 5, False),
        (head(b"Content-Length: 5", b"Connection: Keep-Alive", line=b"HTTP/1.0 200 OK"), b"GET", 5, True),
        (head(b"Content-Length: 5", b"Connection: keep-alive, close", line=b"HTTP/1.0 200 OK"), b"GET", 5, False),
        (head(b"Content-Length: 5", b"Connection: x", b"Connection: close"), b"GET", 5, False),
    ],
)
def test_framing_and_persistence(raw: bytes, method: bytes, length: int, keep: bool) -> None:
    """RFC 9112 §6.3 and §9.3, as tables."""
    incoming = read_response(raw, method)
    assert (incoming.length, incoming.keep) == (length, keep)


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Content-Length: 5"),
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length: x",),
        (b"Content-Length: -5",),
        (b"Content-Length:",),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: 1234567890123456789",),
        (b"Transfer-Encoding: gzip",),
        (b"Transfer-Encoding:",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: gzip, chunked",),
    ],
)
def test_two_ways_to_read_it(lines: tuple[bytes, ...]) -> None:
    """Refused by the strict parser or by us."""
    with pytest.raises(ValueError):
        read(head(*lines), b"GET")


def test_how_long_the_endpoint_keeps_it() -> None:
    """`Keep-Alive: timeout=…` is a hint; nonsense in it is none."""
    assert read_response(head(b"Content-Length: 0", b"Keep-Alive: max=5, timeout=15"), b"GET").idle == 15
    assert read_response(head(b"Content-Length: 0", b"Keep-Alive: soon"), b"GET").idle is None


def test_an_untouched_head_goes_on_as_it_came() -> None:
    """Not one byte differs, reason phrase included."""
    raw = head(b"X-a:1", b"Content-Length: 0", line=b"HTTP/1.1 299 Odd  reason")
    assert response_head(read_response(raw, b"GET"), b"") == raw


def test_a_changed_status_gets_its_own_reason() -> None:
    """A middleware that changes the status changes the whole line."""
    response = read_response(head(b"Content-Length: 0"), b"GET")
    response.status = 404
    assert response_head(response, b"") == b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    response.status = 799
    assert response_head(response, b"") == b"HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n"


def test_http_1_0_becomes_1_1() -> None:
    """The client is spoken to in our version."""
    raw = head(b"Content-Length: 0", line=b"HTTP/1.0 200 OK")
    assert response_head(read_response(raw, b"GET"), b"").startswith(b"HTTP/1.1 200 OK\r\n")


def expected_length(line: bytes, lines: list[bytes], method: bytes) -> int:
    """RFC 9112 §6.3, written down once more."""
    values = [one.split(b":", 1)[1].strip() for one in lines if one.lower().startswith(b"content-length:")]
    status = int(line.split(b" ")[1])
    if method == b"HEAD" or status in (204, 304) or status < 200:
        return 0
    if b"Transfer-Encoding: chunked" in lines:
        return CHUNKED
    return int(values[0]) if values else UNTIL_CLOSE


LINES = st.sampled_from(
    b"Content-Length: 5|Content-Length: 0|Transfer-Encoding: chunked|Transfer-Encoding: gzip|X-A: 1|Connection: close"
    b"|Connection: X-A, keep-alive|Connection: keep-alive|connection:keep-alive|Keep-Alive: timeout=5|Trailer: X"
    b"|Upgrade: h2c|Content-Length: 5 |content-length:\t7|Connection: |X: \xff|Content-Length:|Proxy-Authenticate: x"
    b"|X-Content-Length: 9|X: Content-Length: 9|Content-Length: x|Content-Length: 5, 5".split(b"|")
)


@given(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"HTTP/1.0 200 OK",
            b"HTTP/1.1 204 ",
            b"HTTP/1.1 304 N",
            b"HTTP/1.1 103 E",
            b"HTTP/1.1 599",
        ]
    ),
    st.lists(LINES, max_size=6),
    st.sampled_from([b"GET", b"HEAD"]),
)
def test_a_head_is_read_or_refused(line: bytes, lines: list[bytes], method: bytes) -> None:
    """For whatever the strict parser accepts there is a response or a ValueError, and what goes on has one framing."""
    raw = head(*lines, line=line)
    try:
        incoming = read(raw, method)
    except ValueError:
        return
    assert incoming.length == expected_length(line, lines, method)
    names = [name.lower() for name, _ in incoming.headers]
    assert not (any(b"X-A, " in one for one in lines) and b"x-a" in names)
    assert not {b"connection", b"transfer-encoding", b"keep-alive", b"trailer", b"upgrade"} & set(names)
    assert names.count(b"content-length") <= (0 if incoming.length < 0 else 1)
    sent = response_head(incoming, b"")
    assert sent.startswith(b"HTTP/1.1 ")
    feed(HttpResponseParser(Nobody()), sent)
