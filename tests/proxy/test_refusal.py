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
    "accept", [b"application/json", b"application/problem+JSON", b"text/html, application/json;q=0.1"]
)
def test_json(accept: bytes) -> None:
    """For whoever accepts it."""
    answer = refusal(503, asked(accept))
    assert answer.headers.get(b"content-type") == b"application/json"
    assert json.loads(answer.body) == {"status": 503, "title": "Service Unavailable", "request_id": "abc"}


@pytest.mark.parametrize("accept", [b"", b"*/*", b"text/html"])
def test_text(accept: bytes) -> None:
    """For everyone else."""
    answer = refusal(499, asked(accept))
    assert answer.body == b"499 Client Closed Request\nrequest id: abc\n"
    assert answer.headers.get(b"x-request-id") == b"abc"


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
