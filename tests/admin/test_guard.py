"""The Host and Origin checks."""

from __future__ import annotations

import pytest

from a3sgw.admin.guard import guard, is_loopback
from a3sgw.web import WebRequest


def status(address: str, *headers: tuple[str, str]) -> int:
    """What the guard of `address` says to a request with `headers`; 200 when it says nothing."""
    refused = guard(address)(WebRequest("GET", "/health", headers=headers))
    return refused.status if refused else 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9090", "127.0.0.1:9090", "[::1]:9090", "127.9.9.9", "a.localhost"]
)
def test_loopback_names_pass(host: str) -> None:
    """Who means the loopback address gets in."""
    assert status("127.0.0.1:9090", ("host", host)) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9090", "10.0.0.1", "localhost.evil.example", "[::1", ""]
)
@pytest.mark.parametrize("address", ["127.0.0.1:9090", "[::1]:9090", ":9090", "localhost:9090"])
def test_rebound_names_are_refused(address: str, host: str) -> None:
    """A page whose name was pointed at the loopback address is refused."""
    assert status(address, ("host", host)) == 403


def test_no_host() -> None:
    """HTTP/1.0 probes send no Host; browsers always do."""
    assert status("127.0.0.1:9090") == 200


def test_two_hosts() -> None:
    """Two Host headers are two readings."""
    assert status("127.0.0.1:9090", ("host", "localhost"), ("host", "evil.example")) == 400


@pytest.mark.parametrize("address", ["0.0.0.0:9090", "unix:/run/a3sgw.sock"])
def test_other_addresses_have_names_we_do_not_know(address: str) -> None:
    """On a public address or a unix socket any Host passes."""
    assert status(address, ("host", "gateway.internal:9090")) == 200


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://gw:9090", 200),
        ("HTTP://GW:9090", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://gw", 403),
    ],
)
def test_origin(origin: str, expected: int) -> None:
    """A page of another origin is refused on every address."""
    assert status("0.0.0.0:9090", ("host", "gw:9090"), ("origin", origin)) == expected


def test_is_loopback() -> None:
    """Only whole addresses and names count."""
    assert is_loopback("localhost.")
    assert not is_loopback("127.0.0.1.evil.example")
