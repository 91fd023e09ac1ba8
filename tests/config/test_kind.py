"""Whether a router is about requests or about connections."""

from __future__ import annotations

import pytest

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.kind import is_tcp, kinds, serves
from a3sgw.config.router import Router

ENTRYPOINTS = {
    protocol: Entrypoint.model_validate({"address": ":0", "protocol": protocol}) for protocol in ("http", "tcp", "udp")
}


@pytest.mark.parametrize(
    ("rule", "named", "found"),
    [
        ("PathPrefix(`/`)", (), {"http"}),
        ("HostSNI(`*`)", (), {"tcp"}),
        ("", (), {"udp"}),
        ("ClientIP(`10.0.0.1`)", (), {"http"}),
        ("ClientIP(`10.0.0.1`)", ("tcp",), {"tcp"}),
        ("HostSNI(`a`)", ("http",), {"tcp"}),
        ("Host(`HostSNI(x)`)", ("http",), {"http"}),
        ("HostSNI(`a`) && Host(`b`)", ("http",), {"http"}),
        ("PathPrefix(`/`)", ("tcp",), {"tcp"}),
    ],
)
def test_kinds(rule: str, named: tuple[str, ...], found: set[str]) -> None:
    """A router that names no entrypoint is for those of its own protocol; on one for HTTP its matchers decide."""
    assert kinds(ENTRYPOINTS, Router.model_validate({"rule": rule, "service": "s", "entrypoints": named})) == found


def test_serves() -> None:
    """It is for an entrypoint that it names, and for no other."""
    router = Router.model_validate({"rule": "HostSNI(`a`)", "service": "s", "entrypoints": ["http"]})
    assert [serves(name, options, router) for name, options in ENTRYPOINTS.items()] == ["tcp", None, None]
    assert is_tcp("hostsni(`a`) || alpn(`b`)")
    assert not is_tcp("Host(`a`)")
