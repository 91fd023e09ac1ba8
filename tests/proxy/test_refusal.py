"""Answers the gateway makes itself."""

from __future__ import annotations

import json

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.proxy.refusal import refusal


def asked(accept: bytes, identity: bytes = b"abc") -> Request:
    """A request with this Accept field."""
    request = Request()
    request.headers = Headers(b"Accept: " + accept + b"\r\n")
    request.id = identity
    return request


@pytest.mark.parametrize(
    "accept", [b"application/json", b"application/problem+JSON", b"text/html;q=0.1, application/json", b"application/*"]
)
def test_problem_details(accept: bytes) -> None:
    """For whoever likes JSON best (RFC 9457)."""
    answer = refusal(503, asked(accept))
    assert answer.headers.get(b"content-type") == b"application/problem+json"
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "status": 503,
        "title": "Service Unavailable",
        "request_id": "abc",
    }


@pytest.mark.parametrize("accept", [b"text/html,application/xhtml+xml,*/*;q=0.8", b"text/html, application/json;q=0.1"])
def test_a_page(accept: bytes) -> None:
    """For browsers."""
    answer = refusal(502, asked(accept, b"<id>"))
    assert answer.headers.get(b"content-type") == b"text/html; charset=utf-8"
    assert b"<h1>502 Bad Gateway</h1>" in answer.body
    assert b"<code>&lt;id&gt;</code>" in answer.body


@pytest.mark.parametrize("accept", [b"", b"*/*", b"text/*", b"image/png", b"text/html;q=0"])
def test_text(accept: bytes) -> None:
    """For everyone else, also for who would take none of it."""
    answer = refusal(499, asked(accept))
    assert answer.body == b"499 Client Closed Request\nrequest id: abc\n"
    assert answer.headers.get(b"x-request-id") == b"abc"
    assert answer.headers.get(b"cache-control") == b"no-store"


def test_more_fields() -> None:
    """They follow the others."""
    answer = refusal(429, asked(b""), ((b"Retry-After", b"3"), (b"X-A", b"b")))
    assert (answer.headers.get(b"retry-after"), answer.headers.get(b"x-a")) == (b"3", b"b")
    assert answer.body == b"429 Too Many Requests\nrequest id: abc\n"


def test_without_a_request_id() -> None:
    """Nothing is made up."""
    answer = refusal(799, asked(b"", b""))
    assert answer.body == b"799 Error\n"
    assert b"x-request-id" not in answer.headers
