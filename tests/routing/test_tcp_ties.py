"""Routers of connections that could meet."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.routing.tcp import Mode, TcpEntry
from a3sgw.routing.tcp_ties import tcp_ties
from a3sgw.rule.compile import compile_node
from a3sgw.rule.parse import parse
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP


def entry(rule: str, order: int, mode: Mode = "passthrough") -> TcpEntry[str]:
    """All of the same priority."""
    node = parse(rule, TCP)
    table: MatcherTable[Any] = TCP
    return TcpEntry(node, compile_node(node, table), 1, order, mode, rule)


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [
        ("HostSNI(`a.example`)", "HostSNI(`A.example.`)", True),
        ("HostSNI(`a.example`)", "HostSNI(`b.example`)", False),
        ("HostSNI(`a.example`)", "HostSNI(`*.example`)", True),
        ("HostSNI(`a.example`)", "HostSNI(`*`)", False),
        ("HostSNI(`*`)", "HostSNI(`*`)", True),
        ("HostSNIRegexp(`^a`)", "HostSNI(`b.example`)", True),
        ("HostSNI(`a.example`) && ALPN(`x`)", "HostSNI(`a.example`) && !ALPN(`x`)", False),
        ("HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", "HostSNI(`*`) && ClientIP(`11.0.0.0/8`)", False),
        ("HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", "HostSNI(`*`) && ClientIP(`10.0.0.7`)", True),
        ("HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", "HostSNI(`*`) && ClientIP(`fe80::/16`)", False),
        ("ClientIP(`10.0.0.0/8`) || ALPN(`x`)", "ClientIP(`11.0.0.0/8`)", True),
    ],
)
def test_ties(one: str, other: str, tie: bool) -> None:
    """Names and addresses that overlap; a rule for all names stands behind those that name some."""
    assert tcp_ties([entry(one, 0), entry(other, 1)]) == ([(0, 1)] if tie else [])


def test_with_tls_and_without() -> None:
    """Connections with TLS never meet a rule for those without; who ends TLS makes no difference."""
    assert tcp_ties([entry("HostSNI(`*`)", 0, "plain"), entry("HostSNI(`*`)", 1)]) == []
    assert tcp_ties([entry("HostSNI(`a.b`)", 0, "terminate"), entry("HostSNI(`a.b`)", 1)]) == [(0, 1)]
    assert tcp_ties([entry("ClientIP(`::1`)", 0, "plain"), entry("HostSNI(`*`)", 1, "plain")]) == [(0, 1)]
