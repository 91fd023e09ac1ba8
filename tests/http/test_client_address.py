"""Whose address counts."""

from __future__ import annotations

import pytest

from a3sgw.http.client_address import AddressOptions, client_address, plain_address
from a3sgw.http.message import Request
from a3sgw.options import ValidationError

TEN = "10.0.0.4,10.0.0.3,10.0.0.2,10.0.0.1"


def found(*lines: str, **options: object) -> str:
    """The address of a request of 192.0.2.1 with these lines of X-Forwarded-For."""
    request = Request()
    request.client_ip = "192.0.2.1"
    if lines:
        request.managed = [(b"x-forwarded-proto", b"http"), *((b"x-forwarded-for", line.encode()) for line in lines)]
    return client_address(AddressOptions.model_validate(options))(request)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" 192.0.2.1\t", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("192.0.2.1:", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:1", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
    ],
)
def test_how_proxies_write(text: str, address: str) -> None:
    """With port, brackets or zone, and IPv4 as IPv6: it is the address alone, in one form."""
    assert plain_address(text.encode()) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.1:http",
        "192.0.2.1:123456",
        "192.0.2.1:1:1",
        "192.0.2.1/32",
        "[192.0.2.1]:80",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[2001:db8::1]:x",
        "[]",
        ":",
        "192.0.2.1\x00",
        "192.0.2.\xb2",
        "010.0.0.1",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """Names, parts and garbage are nobody's address."""
    assert plain_address(text.encode("latin-1")) == ""


def test_the_client_of_the_entrypoint() -> None:
    """Without options the field is not looked at."""
    assert found(TEN) == "192.0.2.1"


@pytest.mark.parametrize(
    ("depth", "lines", "address"),
    [
        (1, [TEN], "10.0.0.1"),
        (3, [TEN], "10.0.0.3"),
        (4, [TEN], "10.0.0.4"),
        (5, [TEN], ""),
        (1, [], ""),
        (1, [""], ""),
        (2, ["10.0.0.9, 10.0.0.8", "10.0.0.1"], "10.0.0.8"),
        (1, ["10.0.0.9", "[2001:db8::7]:1234"], "2001:db8::7"),
        (2, ["10.0.0.9, unknown, 10.0.0.1"], ""),
        (2, ["10.0.0.9, , 10.0.0.1"], ""),
    ],
)
def test_depth(depth: int, lines: list[str], address: str) -> None:
    """From the right, over all lines; nobody where there is no address."""
    assert found(*lines, depth=depth) == address


@pytest.mark.parametrize(
    ("excluded", "lines", "address"),
    [
        (["10.0.0.1"], [TEN], "10.0.0.2"),
        (["10.0.0.1", "10.0.0.2/31"], [TEN], "10.0.0.4"),
        (["10.0.0.0/8"], [TEN], ""),
        (["10.0.0.0/8"], [], ""),
        (["10.0.0.0/8"], ["198.51.100.1", "::ffff:10.1.1.1"], "198.51.100.1"),
        (["10.0.0.0/8"], ["198.51.100.1, unknown, 10.0.0.1"], ""),
        (["10.0.0.0/8"], ["198.51.100.1,,10.0.0.1"], ""),
        (["fe80::/16"], ["198.51.100.1", "fe80::1%eth0"], "198.51.100.1"),
    ],
)
def test_excluded(excluded: list[str], lines: list[str], address: str) -> None:
    """The first from the right that is not excluded; the search ends at what cannot be read."""
    assert found(*lines, excluded_ips=excluded) == address


@pytest.mark.parametrize(
    "options", [{"depth": -1}, {"excluded_ips": ["a"]}, {"depth": 1, "excluded_ips": ["10.0.0.0/8"]}]
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """No negative depth, only networks, and not both."""
    with pytest.raises(ValidationError):
        AddressOptions.model_validate(options)
