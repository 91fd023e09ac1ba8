"""From options to a service."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from a3sgw.balancers.round_robin import RoundRobin
from a3sgw.config.service import Service as Options
from a3sgw.http.message import Request
from a3sgw.plan import NO_LIMIT
from a3sgw.service.build import Builder, Surroundings, balancer_kind
from a3sgw.service.service import Service
from a3sgw.sweeper import Sweeper


def built(previous: Service | None = None, directory: Path | None = None, **balancer: object) -> Service:
    """A service with these load_balancer options."""
    options = {"s": Options.model_validate({"load_balancer": balancer})}
    before = {"s": previous} if previous is not None else {}
    builder = Builder(options, Surroundings(Sweeper(), directory), {}, {}, before, {})
    node = builder.build("s")
    assert isinstance(node, Service)
    assert builder.services == {"s": node}
    return node


def servers(*urls: str) -> list[dict[str, str]]:
    """As in a configuration, without asking a name server."""
    return [{"url": url, "resolve": "system"} for url in urls]


def test_a_service() -> None:
    """Endpoints in the order written, with the Host value of their own."""
    service = built(servers=servers("http://a.example:80", "https://b.example", "unix:/run/x.sock", "http://[::1]:81"))
    assert [one.authority for one in service.endpoints] == [b"a.example", b"b.example", b"localhost", b"[::1]:81"]
    assert [str(one.pool.address) for one in service.endpoints] == [
        *("a.example:80", "b.example:443", "unix:/run/x.sock", "[::1]:81")
    ]
    assert repr(service) == "<Service [s, 4 endpoints]>"
    assert repr(service.endpoints[0]) == "<Endpoint [http://a.example:80, healthy, 0 in flight]>"
    assert repr(service.endpoints[0].pool) == "<Pool [a.example:80, 0 idle]>"


def test_limits_of_zero_are_none() -> None:
    """A time of 0 means that nobody waits for a clock."""
    plan = built(servers=servers("a:1"), connect_timeout=0, request_timeout="3s", stream_idle_timeout=0).plan
    assert (plan.connect_timeout, plan.request_timeout, plan.stream_idle_timeout) == (NO_LIMIT, 3.0, NO_LIMIT)
    assert plan.stream_total_timeout == NO_LIMIT
    assert plan.pass_host_header


def test_the_strategy() -> None:
    """Different weights count for round-robin too; weight 0 gets nothing."""
    assert isinstance(built(servers=servers("a:1", "b:1")).balancer, RoundRobin)
    weighted = built(
        servers=[{"url": "127.0.0.1:1", "weight": 2}, {"url": "127.0.0.1:2"}, {"url": "127.0.0.1:3", "weight": 0}]
    )
    picked = [weighted.pick(Request(), ()) for _ in range(6)]
    assert (
        sorted(one.url for one in picked if one is not None) == ["http://127.0.0.1:1"] * 4 + ["http://127.0.0.1:2"] * 2
    )
    with pytest.raises(ImportError):
        balancer_kind("unheard-of")


def test_pools_survive_a_reload() -> None:
    """The same address with the same options keeps its pool; any difference makes a new one."""
    first = built(servers=servers("a:1", "b:1"))
    second = built(first, servers=servers("b:1", "c:1"), request_timeout="1s")
    assert second.endpoints[0].pool is first.endpoints[1].pool
    third = built(second, servers=servers("b:1"), max_idle_connections=1)
    assert third.endpoints[0].pool is not second.endpoints[0].pool
    fourth = built(third, servers=servers("https://b:1"), max_idle_connections=1)
    assert fourth.endpoints[0].pool is not third.endpoints[0].pool


def test_a_missing_authority_file() -> None:
    """Certificates that cannot be read are noticed at load, in the configuration's directory."""
    with pytest.raises(OSError):
        built(None, Path("/nowhere"), servers=servers("https://a"), tls={"ca_file": "missing.pem"})


def test_a_broken_authority_file(tmp_path: Path) -> None:
    """A file without a certificate is none."""
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(ssl.SSLError):
        built(None, tmp_path, servers=servers("https://a"), tls={"ca_file": "ca.pem"})


def test_endpoints_that_speak_tcp() -> None:
    """Plainly, or with TLS where the operator says anything about that; then no protocol of HTTP is offered."""
    plain = built(servers=servers("tcp://127.0.0.1:1", "unix:/run/x.sock"))
    assert [one.pool.tls for one in plain.endpoints] == [None, None]
    secure = built(servers=servers("tcp://127.0.0.1:1"), tls={"server_name": "db.example"})
    assert secure.endpoints[0].pool.tls is not None
    assert secure.endpoints[0].pool.address.server_name == "db.example"
    again = built(plain, servers=servers("tcp://127.0.0.1:1"))
    assert again.endpoints[0].pool is plain.endpoints[0].pool
