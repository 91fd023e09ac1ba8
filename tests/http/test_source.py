"""Who is counted."""

from __future__ import annotations

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.http.source import SourceOptions, source, subnet
from a3sgw.options import ValidationError


def request(
    address: str = "192.0.2.1", fields: bytes = b"", captures: dict[str, str] | None = None, **facts: object
) -> Request:
    """A request of this client."""
    one = Request()
    one.client_ip = address
    one.headers = Headers(fields)
    one.captures = captures
    for name, value in facts.items():
        one.learn(name, value)
    return one


def of(one: Request, **options: object) -> bytes:
    """Its source."""
    return source(SourceOptions.model_validate(options), b"limit\0")(one)


@pytest.mark.parametrize(
    ("address", "bits", "counted"),
    [
        ("192.0.2.1", 64, b"192.0.2.1"),
        ("192.0.2.1", 8, b"192.0.2.1"),
        ("::ffff:192.0.2.1", 64, b"192.0.2.1"),
        ("", 64, b""),
        ("2001:db8::1", 64, (0x20010DB800000000).to_bytes(16) + b"/64"),
        ("2001:db8::1:0:0:1", 64, (0x20010DB800000000).to_bytes(16) + b"/64"),
        ("fe80::1%eth0", 64, (0xFE80000000000000).to_bytes(16) + b"/64"),
        ("2001:db8::1", 20, (0x20010).to_bytes(16) + b"/20"),
        ("::2", 127, (1).to_bytes(16) + b"/127"),
        ("::1", 128, (1).to_bytes(16) + b"/128"),
    ],
)
def test_subnets(address: str, bits: int, counted: bytes) -> None:
    """So many bits of IPv6, all of IPv4."""
    assert subnet(address, bits) == counted
    assert of(request(address), ipv6_prefix=bits) == b"limit\0" + counted


@pytest.mark.parametrize(
    ("key", "one"),
    [
        ("header:X-Tenant", request(fields=b"x-tenant: a\r\n")),
        ("cookie:session", request(fields=b"Cookie: b=c; session=a\r\n")),
        ("claim:sub", request(claims={"sub": "a"})),
        ("claim.sub", request(claims={"sub": "a"})),
        ("identity", request(identity="a")),
        ("path:tenant", request(captures={"tenant": "a"})),
    ],
)
def test_names(key: str, one: Request) -> None:
    """What it goes by, whoever the client is; a request that lacks it goes by its address."""
    same = request("198.51.100.1", fields=b"X-Tenant: a\r\nCookie: session=a\r\n", captures={"tenant": "a"})
    same.learn("claims", {"sub": "a"})
    same.learn("identity", "a")
    assert of(one, key=key) == of(same, key=key) == of(one, key=[key])
    assert of(request(), key=key) != of(one, key=key)
    assert of(request(), key=key) == of(request("::ffff:192.0.2.1"), key=key)
    assert of(request(), key=key) != of(request("192.0.2.2"), key=key)


def test_nobody_looks_like_another() -> None:
    """A value that is an address is not that client, and values do not run into each other."""
    tenant = "header:X-Tenant"
    assert of(request(fields=b"X-Tenant: 192.0.2.1\r\n"), key=tenant) != of(request(), key=tenant)
    both = [tenant, "header:X-User"]
    sources = [
        of(request(fields=b"X-Tenant: %b\r\nX-User: %b\r\n" % pair), key=both)
        for pair in ((b"a", b"b=c"), (b"a=b", b"c"), (b"ab", b"c"), (b"a", b"bc"), (b"", b"abc"), (b"abc", b""))
    ]
    assert len(set(sources)) == 6


def test_a_combination() -> None:
    """All of it has to be the same; a part that is missing is the address in its place."""
    key = ["ip", "path:page"]
    first = of(request(captures={"page": "1"}), key=key)
    assert first == of(request(captures={"page": "1"}), key=key)
    assert first != of(request(captures={"page": "2"}), key=key)
    assert first != of(request("192.0.2.2", captures={"page": "1"}), key=key)
    assert of(request(), key=key) != of(request("192.0.2.2"), key=key)


def test_a_place_in_the_chain() -> None:
    """`depth` says whose address it is, also where it stands for something else; without one, the client's."""
    one, other = request("10.0.0.1"), request("10.0.0.2")
    one.managed = other.managed = [(b"x-forwarded-for", b"198.51.100.1")]
    for key in ("ip", "header:X-Tenant", ["ip", "host"]):
        assert of(one, depth=1, key=key) == of(other, depth=1, key=key)
        assert of(one, depth=2, key=key) != of(other, depth=2, key=key)
        assert of(one, key=key) != of(other, key=key)


def test_the_peer() -> None:
    """By subnet as well."""
    one, other = request("192.0.2.1"), request("192.0.2.2")
    one.peer_ip, other.peer_ip = "2001:db8::1", "2001:db8::2"
    assert of(one, key="peer_ip") == of(other, key="peer_ip")


@pytest.mark.parametrize(
    "options",
    [{"key": []}, {"key": "nothing"}, {"key": "header"}, {"key": ["ip", "x:y"]}, {"key": 1}, {"ipv6_prefix": 0}],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """Something that a request has, and at least one bit."""
    with pytest.raises(ValidationError):
        SourceOptions.model_validate(options)
