"""Heads as bytes."""

from __future__ import annotations

import re

from a3sgw.http.encode import date_line, interim_head, request_head, response_head
from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.http.request import HeadRules, read_request

OWN = b"X-Own: 1\r\n"


def test_a_changed_request() -> None:
    """A changed field, target or version makes a new head; the gateway's own lines come last."""
    request = read_request(b"GET /a HTTP/1.0\r\nHost: a\r\nX:1\r\n\r\n", HeadRules())
    assert request_head(request, OWN) == b"GET /a HTTP/1.1\r\nHost: a\r\nX:1\r\nX-Own: 1\r\n\r\n"
    request.target = b"/b"
    request.headers.add(b"Y", b"2")
    assert request_head(request, OWN) == b"GET /b HTTP/1.1\r\nHost: a\r\nX:1\r\nY: 2\r\nX-Own: 1\r\n\r\n"


def test_a_response_of_the_gateway() -> None:
    """Known statuses have their phrase, others an empty one."""
    assert response_head(Response(404, Headers()), OWN) == b"HTTP/1.1 404 Not Found\r\nX-Own: 1\r\n\r\n"
    assert response_head(Response(499, Headers()), b"") == b"HTTP/1.1 499 Client Closed Request\r\n\r\n"
    assert response_head(Response(799, Headers()), b"") == b"HTTP/1.1 799 \r\n\r\n"


def test_an_interim_answer() -> None:
    """Head only."""
    assert interim_head(103, Headers(b"Link: x\r\n")) == b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert interim_head(100, Headers()) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_the_date() -> None:
    """IMF-fixdate (RFC 9110 §5.6.7)."""
    assert re.fullmatch(rb"Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n", date_line())
