"""ip-allow: only clients from the given networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.ip_allow import IpAllow, Options
from a3sgw.options import OptionError, ValidationError
from tests.support.gateway import Stage, stage
from tests.support.live import until

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
    ("options", "chain", "passes"),
    [
        ({"depth": 1}, "192.0.2.1, 10.0.0.1", True),
        ({"depth": 2}, "10.0.0.1, 192.0.2.1", True),
        ({"depth": 2}, "192.0.2.1, 10.0.0.1", False),
        ({"depth": 3}, "10.0.0.1, 192.0.2.1", False),
        ({"depth": 1}, "garbage", False),
        ({"excluded_ips": ["192.0.2.0/24"]}, "10.0.0.1:4711, 192.0.2.1", True),
        ({"excluded_ips": ["192.0.2.0/24"]}, "192.0.2.2, 192.0.2.1", False),
    ],
)
def test_places_in_the_chain(options: dict[str, object], chain: str, passes: bool) -> None:
    """The address that the options choose counts, and nobody passes for a place that has none."""
    middleware = IpAllow(Options.model_validate({"allowed_ips": ["10.0.0.0/8"], **options}))
    request = Request()
    request.client_ip = "198.51.100.1"
    request.managed = [(b"x-forwarded-for", chain.encode())]
    if passes:
        middleware.request(request)
    else:
        with pytest.raises(ClientError):
            middleware.request(request)


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Is an error of that option, which names the lines."""
    middleware = IpAllow(Options.model_validate({"allowed_ips_file": "networks"}))
    for content, message in ((None, "cannot read"), ("10.0.0.0/8\nx\n", "line 2: 'x' is not"), ("#\n", "no network")):
        if content is not None:
            (tmp_path / "networks").write_text(content)
        with pytest.raises(OptionError, match=message) as caught:
            middleware.attach(Context(directory=tmp_path))
        assert caught.value.key == "allowed_ips_file"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"allowed_ips": []},
        {"allowed_ips": ["10.0.0.0/33"]},
        {"allowed_ips": ["a"]},
        {"allowed_ips": ["::1"], "status": 200},
        {"allowed_ips": ["::1"], "depth": 1, "excluded_ips": ["::1"]},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """No network, no address, a status that is no refusal, or two ways to find the client."""
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


async def status(on: Stage, address: str) -> int:
    """What this client gets behind a trusted proxy."""
    return (await on.running.ask(GET + f"X-Forwarded-For: {address}\r\n\r\n".encode())).status


async def test_a_file_on_the_wire(tmp_path: Path) -> None:
    """It adds to the list, is read again when it changes, and a bad or empty one changes nothing."""
    file = tmp_path / "networks"
    file.write_text("192.0.2.0/24 # office\n")
    more = f'middlewares "own" {{\n type = "ip-allow"\n allowed_ips = ["::1"]\n allowed_ips_file = "{file}"\n}}'
    entrypoint = 'trusted_ips = ["127.0.0.1"]'
    async with stage(router='middlewares = ["own"]', more=more, entrypoint=entrypoint) as on:
        on.origin.always()
        assert [await status(on, one) for one in ("192.0.2.1", "::1", "198.51.100.1")] == [200, 200, 403]
        file.write_text("198.51.100.1\n")

        async def taken_up() -> bool:
            return await status(on, "198.51.100.1") == 200

        await until(taken_up, "the new list is in force")
        assert [await status(on, one) for one in ("192.0.2.1", "::1")] == [403, 200]
