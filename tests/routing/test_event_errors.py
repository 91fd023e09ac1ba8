"""A last event for streams that break off: what a client has is always whole events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.routing.event_errors import EventErrors, Events

ERROR = b'event: error\ndata: {"status":502,"reason":"Bad Gateway"}\n\n'


@pytest.mark.parametrize(
    ("pieces", "passed"),
    [
        ([b"data: one\n\n"], b"data: one\n\n"),
        ([b"data: one\r\n\r\n"], b"data: one\r\n\r\n"),
        ([b"data: one\r\r"], b"data: one\r\r"),
        ([b"data: one\n\r\n"], b"data: one\n\r\n"),
        ([b"data: one\n\ndata: t"], b"data: one\n\n"),
        ([b"data: one\n\rdata: t"], b"data: one\n\r"),
        ([b"data: one\r\n", b"\rdata: t"], b"data: one\r\n\r"),
        ([b"data: one\n", b"\ndata: two\n"], b"data: one\n\n"),
        ([b"data: one\n", b"data: two"], b""),
        ([b": ping\n"], b": ping\n"),
        ([b":\n\n"], b":\n\n"),
        ([b":\r"], b":\r"),
        ([b": pi"], b""),
        ([b"data: one\n\n: ping\n", b"data: t"], b"data: one\n\n: ping\n"),
        ([b"data: one\n: ping\n"], b""),
        ([b"\n\n\ndata: x"], b"\n\n\n"),
        ([b"id: 7\nretry: 10\n"], b""),
        ([b""], b""),
    ],
)
def test_whole_events_and_comments_pass(pieces: list[bytes], passed: bytes) -> None:
    """What is not whole stays; whatever it is, it comes at the end of an answer that is whole."""
    events = Events()
    assert b"".join(map(events.feed, pieces)) == passed
    assert events.broken(502) == ERROR
    assert passed + events.flush() == b"".join(pieces)


def test_the_request_id_is_named() -> None:
    """It is what finds the line in the log."""
    assert Events("abc").broken(504) == (
        b'event: error\ndata: {"status":504,"reason":"Gateway Timeout","request_id":"abc"}\n\n'
    )


def test_an_event_that_is_too_long() -> None:
    """It goes on in part, and then nothing is said before it has ended."""
    events = Events()
    long = b"data: " + b"x" * 65536
    assert events.feed(long) == long
    assert events.broken(502) == b""
    assert events.feed(b"xx\nid: 1\n") == b"xx\nid: 1\n"
    assert events.broken(502) == b""
    assert events.feed(b"\ndata: next") == b"\ndata: next"
    assert events.broken(502) == b""
    assert events.feed(b"\n\nda") == b"\n\n"
    assert events.broken(502) == ERROR


def dispatched(stream: bytes) -> list[tuple[bytes, bytes]]:
    """What a browser makes of it: (type, data) of each event (HTML, 9.2.6)."""
    found = []
    kind, data = b"", b""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in lines[:-1]:
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if not line:
            if data:
                found.append((kind or b"message", data[:-1]))
            kind, data = b"", b""
        elif name == b"event":
            kind = value
        elif name == b"data":
            data += value + b"\n"
    return found


LINES = st.sampled_from([b"data: a", b"data: b", b"event: c", b": d", b"id: 1", b"", b"", b"da"])


@given(
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))),
    st.lists(st.integers(1, 40), max_size=8),
    st.integers(0, 200),
)
def test_a_browser_sees_whole_events_and_one_that_says_error(
    lines: list[tuple[bytes, bytes]], sizes: list[int], broken: int
) -> None:
    """Wherever the stream breaks, and however it came in pieces."""
    whole = b"".join(line + end for line, end in lines)
    stream = whole[:broken]
    events = Events()
    sent = b""
    rest = stream
    for size in [*sizes, len(stream) or 1]:
        sent += events.feed(rest[:size])
        rest = rest[size:]
    seen = dispatched(sent)
    assert dispatched(sent + events.broken(502)) == [*seen, (b"error", b'{"status":502,"reason":"Bad Gateway"}')]
    assert seen == dispatched(stream)[: len(seen)]
    assert len(dispatched(stream)) - len(seen) <= 1  # a lone CR at the very end may still become CRLF


@pytest.mark.parametrize(
    ("status", "fields", "concerned"),
    [
        (200, b"Content-Type: text/event-stream\r\n", True),
        (200, b"Content-Type: Text/Event-Stream; charset=utf-8\r\n", True),
        (200, b"Content-Type: text/html\r\n", False),
        (200, b"", False),
        (500, b"Content-Type: text/event-stream\r\n", False),
        (200, b"Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n", False),
    ],
)
def test_which_answers(status: int, fields: bytes, concerned: bool) -> None:
    """Event streams that can be read as they are."""
    made = EventErrors().response_body(Request(), Response(status, Headers(fields)))
    assert (made is not None) == concerned
