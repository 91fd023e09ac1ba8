"""Secrets in queries do not get into logs."""

from __future__ import annotations

import pytest

from a3sgw.http.message import Request
from a3sgw.routing.builtin import Conceal
from tests.support.gateway import stage


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (b"/a?token=x&b=1", b"/a?token=REDACTED&b=1"),
        (b"/a?b=1&key=&token=x?y=z", b"/a?b=1&key=REDACTED&token=REDACTED"),
        (b"/a?tokens=x&atoken=y", b""),
        (b"/token=x", b""),
        (b"/?token=x&token=y", b"/?token=REDACTED&token=REDACTED"),
    ],
)
def test_targets(target: bytes, shown: bytes) -> None:
    """Every value of these parameters, and nothing else; what has none is not touched."""
    request = Request()
    request.raw_target = target
    Conceal((b"token", b"key")).request(request)
    assert request.shown_target == shown


async def test_whoever_answers() -> None:
    """Also when another middleware has refused before the one that looks at the secret; the endpoint gets it."""
    more = """
    middlewares "few" {
      type  = "rate-limit"
      rate  = 0.001
      burst = 1
    }
    middlewares "token" {
      type  = "jwt"
      value = "0123456789abcdef0123456789abcdef"
      query = "token"
      mode  = "observe"
    }
    """
    get = b"GET /a?token=secret&b=1 HTTP/1.1\r\nHost: a.example\r\n\r\n"
    async with stage(router='middlewares = ["few", "token"]', more=more) as on:
        assert (await on.forwarded(get)).target == b"/a?token=secret&b=1"
        await on.client.send(get)
        assert (await on.client.message()).status == 429
    assert [one["path"] for one in on.records] == ["/a?token=REDACTED&b=1"] * 2
