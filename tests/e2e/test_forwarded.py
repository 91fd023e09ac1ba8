"""What the endpoint is told about the client, and who is believed about it."""

from __future__ import annotations

import pytest

from tests.support.gateway import config, gateway, stage
from tests.support.origin import Origin

GET = b"GET / HTTP/1.1\r\nHost: a.example:8080\r\n"
TRUSTING = 'trusted_ips = ["127.0.0.0/8"]'
SPOOFED = [
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Scheme: https",
    b"X-Forwarded-For: 192.0.2.7",
    b"X-Forwarded-Host: evil.example",
    b"X-Forwarded-Port: 4711",
    b"X-Forwarded-Server: evil",
    b"X-Forwarded-Uri: /admin",
    b"X-Forwarded-Method: DELETE",
    b"X-Forwarded-Prefix: /admin",
    b"X-Forwarded-Tls-Client-Cert: cert",
    b"X-Forwarded-Tls-Client-Cert-Info: info",
    b"X-Scheme: https",
    b"X-Real-Ip: 192.0.2.7",
    b"Forwarded: for=192.0.2.7",
    b"x-forwarded-for: 192.0.2.7",
    b"X_Forwarded_For: 192.0.2.7",
    b"X-Forwarded_For: 192.0.2.7",
    b"X_REAL_IP: 192.0.2.7",
    b"X-Forwarded-Anything: else",
    b"X-Request-Id: chosen",
]


async def test_the_endpoint_learns_who_asks() -> None:
    """T-4: address, scheme, host and port as the gateway sees them."""
    async with stage() as on:
        seen = await on.forwarded(GET + b"\r\n")
        assert seen.get(b"x-forwarded-for") == seen.get(b"x-real-ip") == b"127.0.0.1"
        assert seen.get(b"x-forwarded-proto") == b"http"
        assert seen.get(b"x-forwarded-host") == b"a.example:8080"
        assert seen.get(b"x-forwarded-port") == b"8080"
        assert len(seen.get(b"x-request-id") or b"") == 32


@pytest.mark.parametrize("strategy", ["delete", "keep"])
@pytest.mark.parametrize("line", SPOOFED)
async def test_a_stranger_is_not_believed(line: bytes, strategy: str) -> None:
    """T-4: from an untrusted peer every such field is replaced or deleted, in any spelling, whatever else is kept."""
    async with stage(entrypoint=f'underscore_headers = "{strategy}"') as on:
        seen = await on.forwarded(GET + line + b"\r\n\r\n")
        name, value = line.split(b": ")
        assert value not in seen.all(name.lower())
        for field, got in seen.fields:
            assert not (field.lower().replace(b"_", b"-") == name.lower().replace(b"_", b"-") and got == value)


async def test_a_trusted_proxy_is_believed() -> None:
    """T-4: behind `trusted_ips` its values go on, the chain is joined from all its lines and extended by the peer."""
    async with stage(entrypoint=TRUSTING) as on:
        seen = await on.forwarded(
            GET + b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.8,192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
            b"X-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 443\r\nX-Real-Ip: 192.0.2.7\r\nX-Request-Id: abc\r\n"
            b"X-Forwarded-Prefix: /shop\r\nForwarded: for=192.0.2.7\r\n\r\n"
        )
        assert seen.get(b"x-forwarded-for") == b"192.0.2.7, 192.0.2.8, 192.0.2.9, 127.0.0.1"
        assert seen.get(b"x-forwarded-proto") == b"https"
        assert seen.get(b"x-forwarded-host") == b"shop.example"
        assert seen.get(b"x-forwarded-port") == b"443"
        assert seen.get(b"x-real-ip") == b"192.0.2.7"
        assert seen.get(b"x-request-id") == b"abc"
        assert seen.get(b"x-forwarded-prefix") == b"/shop"
        assert seen.get(b"forwarded") == b"for=192.0.2.7"
        assert seen.get(b"host") == b"a.example:8080"
    assert [(one["client_ip"], one["peer_ip"], one["request_id"]) for one in on.records] == [
        ("192.0.2.9", "127.0.0.1", "abc")
    ]


async def test_underscore_spellings_are_not_believed_from_anyone() -> None:
    """T-4: `X_Forwarded_For` of a trusted proxy does not reach the endpoint either."""
    async with stage(entrypoint=TRUSTING) as on:
        seen = await on.forwarded(GET + b"X_Forwarded_For: 192.0.2.7\r\n\r\n")
        assert seen.get(b"x-forwarded-for") == b"127.0.0.1"
        assert b"x_forwarded_for" not in seen.names


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (b"192.0.2.7", "192.0.2.7"),
        (b"198.51.100.1, 192.0.2.7, 127.0.0.9", "192.0.2.7"),
        (b"192.0.2.7, unknown", "127.0.0.1"),
        (b"127.0.0.3, 127.0.0.2", "127.0.0.3"),
        (b"fe80::1%eth0", "fe80::1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"", "127.0.0.1"),
        (b", ,", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_is_not_ours(chain: bytes, client: str) -> None:
    """T-4: read from the right, trusted hops skipped, IPv6 zone stripped; what is no address ends the search."""
    async with stage(entrypoint=TRUSTING) as on:
        await on.forwarded(GET + b"X-Forwarded-For: " + chain + b"\r\n\r\n")
    assert on.records[0]["client_ip"] == client


@pytest.mark.parametrize("value", [b"javascript", b"https, http", b"https\xff", b""])
async def test_nonsense_of_a_trusted_proxy_is_not_passed_on(value: bytes) -> None:
    """T-4: a scheme that is none is replaced by the one seen here."""
    async with stage(entrypoint=TRUSTING) as on:
        assert (await on.forwarded(GET + b"X-Forwarded-Proto: " + value + b"\r\n\r\n")).get(
            b"x-forwarded-proto"
        ) == b"http"


async def test_an_ipv6_peer_without_its_zone() -> None:
    """T-4: an IPv6 client is named by its bare address."""
    async with Origin() as origin:
        hcl = config(origin.url).replace("127.0.0.1:0", "[::1]:0")
        async with gateway(hcl) as running:
            origin.always()
            wire = await running.connect()
            await wire.send(GET + b"\r\n")
            await wire.message()
            assert origin.requests[0].get(b"x-forwarded-for") == b"::1"


async def test_requests_of_one_connection_to_two_hosts() -> None:
    """T-4: what is said about one request is never said about the next on the same connection."""
    async with stage() as on:
        first = await on.forwarded(b"GET / HTTP/1.1\r\nHost: one.example:81\r\n\r\n")
        second = await on.forwarded(b"GET / HTTP/1.1\r\nHost: two.example\r\n\r\n")
        assert first.get(b"x-forwarded-host") == b"one.example:81"
        assert second.get(b"x-forwarded-host") == b"two.example"
        assert (first.get(b"x-forwarded-port"), second.get(b"x-forwarded-port")) == (b"81", b"80")
        assert first.get(b"x-request-id") != second.get(b"x-request-id")


async def test_a_request_id_can_be_switched_off() -> None:
    """T-28: with `request_id = false` the gateway makes none, and the client's own passes untouched."""
    async with stage(entrypoint="request_id = false") as on:
        assert (await on.forwarded(GET + b"\r\n")).get(b"x-request-id") is None
        assert (await on.forwarded(GET + b"X-Request-Id: mine\r\n\r\n")).get(b"x-request-id") == b"mine"


# The PROXY protocol...


@pytest.mark.parametrize(
    "header",
    [b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\xc0\x00\x02\x07" * 3],
    ids=["version 1", "version 2"],
)
async def test_a_proxy_header_is_not_read(header: bytes) -> None:
    """T-9: where the PROXY protocol is not asked for, its header is a malformed request."""
    async with stage(entrypoint=TRUSTING) as on:
        await on.client.send(header + GET + b"\r\n")
        assert (await on.client.message()).status == 400
        assert on.origin.wires == []
