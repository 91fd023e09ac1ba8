"""ip-deny: nobody from the given networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.ip_deny import IpDeny, Options
from a3sgw.options import OptionError, ValidationError
from tests.support.gateway import Stage, stage
from tests.support.live import until

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


@pytest.mark.parametrize(
    ("options", "address", "chain", "passes"),
    [
        ({}, "192.0.2.1", "", False),
        ({}, "::ffff:192.0.2.1", "", False),
        ({}, "198.51.100.1", "192.0.2.1", True),
        ({}, "2001:db8:1::1", "", False),
        ({}, "2001:db8:2::1", "", True),
        ({}, "", "", False),
        ({"depth": 1}, "198.51.100.1", "198.51.100.2, 192.0.2.1:80", False),
        ({"depth": 1}, "192.0.2.1", "192.0.2.1, 198.51.100.2", True),
        ({"depth": 2}, "198.51.100.1", "198.51.100.2", False),
        ({"depth": 1}, "198.51.100.1", "garbage", False),
        ({"excluded_ips": ["198.51.100.0/24"]}, "198.51.100.1", "192.0.2.1, 198.51.100.2", False),
    ],
)
def test_networks(options: dict[str, object], address: str, chain: str, passes: bool) -> None:
    """Those in the list are refused, and those who have no address where it should be."""
    middleware = IpDeny(Options.model_validate({"denied_ips": ["192.0.2.0/24", "2001:db8:1::/48"], **options}))
    request = Request()
    request.client_ip = address
    request.managed = [(b"x-forwarded-for", chain.encode())]
    if passes:
        middleware.request(request)
    else:
        with pytest.raises(ClientError) as caught:
            middleware.request(request)
        assert caught.value.status == 403


@pytest.mark.parametrize(
    "options", [{}, {"denied_ips": []}, {"denied_ips": ["a"]}, {"denied_ips": ["::1"], "status": 399}]
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """Somebody has to be denied, by a status that is a refusal."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Is an error; an empty one is not."""
    middleware = IpDeny(Options.model_validate({"denied_ips_file": "networks"}))
    with pytest.raises(OptionError) as caught:
        middleware.attach(Context(directory=tmp_path))
    assert caught.value.key == "denied_ips_file"
    (tmp_path / "networks").write_text("")
    middleware.attach(Context(directory=tmp_path))


async def status(on: Stage, address: str) -> int:
    """What this client gets behind a trusted proxy."""
    return (await on.running.ask(GET + f"X-Forwarded-For: {address}\r\n\r\n".encode())).status


async def test_on_the_wire(tmp_path: Path) -> None:
    """List and file; the file is read again when it changes."""
    file = tmp_path / "networks"
    file.write_text("")
    more = f"""
    middlewares "bad" {{
      type            = "ip-deny"
      denied_ips      = ["192.0.2.0/24"]
      denied_ips_file = "{file}"
      status          = 404
    }}
    """
    async with stage(router='middlewares = ["bad"]', more=more, entrypoint='trusted_ips = ["127.0.0.1"]') as on:
        on.origin.always()
        assert [await status(on, one) for one in ("192.0.2.1", "198.51.100.1")] == [404, 200]
        file.write_text("198.51.100.0/24\n")

        async def taken_up() -> bool:
            return await status(on, "198.51.100.1") == 404

        await until(taken_up, "the new list is in force")
        assert [await status(on, one) for one in ("192.0.2.1", "203.0.113.1")] == [404, 200]
    assert on.records[0]["error"] == "ClientError: 192.0.2.1 is denied"
