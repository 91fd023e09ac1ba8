"""ip-allow: only clients from the given networks."""

from __future__ import annotations

import pytest

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.ip_allow import IpAllow, Options
from a3sgw.options import ValidationError
from tests.support.gateway import stage

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


@pytest.mark.parametrize(
    ("networks", "address", "passes"),
    [
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "10.0.0.1", False),
        (["10.0.0.0/8", "::1"], "::1", True),
        (["0.0.0.0/0"], "::1", False),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True),
        (["10.0.0.0/8"], "", False),
    ],
)
def test_networks(networks: list[str], address: str, passes: bool) -> None:
    """Both families, single addresses, and IPv4 written as IPv6; who has no address does not pass."""
    middleware = IpAllow(Options.model_validate({"allowed_ips": networks}))
    request = Request()
    request.client_ip = address
    if passes:
        middleware.request(request)
    else:
        with pytest.raises(ClientError) as caught:
            middleware.request(request)
        assert caught.value.status == 403


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"allowed_ips": []},
        {"allowed_ips": ["10.0.0.0/33"]},
        {"allowed_ips": ["a"]},
        {"allowed_ips": ["::1"], "status": 200},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """No network, no address, or a status that is no refusal."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


async def test_on_the_wire() -> None:
    """The peer counts, or behind `trusted_ips` the client a trusted proxy names; nobody else is believed."""
    more = 'middlewares "own" {\n type = "ip-allow"\n allowed_ips = ["192.0.2.0/24"]\n status = 404\n}'
    claimed = GET + b"X-Forwarded-For: 192.0.2.1\r\n\r\n"
    async with stage(router='middlewares = ["own"]', more=more) as on:
        await on.client.send(claimed)
        assert (await on.client.message()).status == 404
    async with stage(router='middlewares = ["own"]', more=more, entrypoint='trusted_ips = ["127.0.0.1"]') as on:
        await on.forwarded(claimed)
        await on.client.send(GET + b"X-Forwarded-For: 192.0.2.1, 198.51.100.1\r\n\r\n")
        assert (await on.client.message()).status == 404
