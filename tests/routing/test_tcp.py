"""Which rule a connection meets."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.routing.tcp import Mode, TcpEntry, TcpTable, Visitor, first, priority_of, takes_all
from a3sgw.rule.compile import compile_node
from a3sgw.rule.parse import parse
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP


def entry(rule: str, order: int = 0, priority: int = 0, mode: Mode = "passthrough") -> TcpEntry[str]:
    """A route called like its rule."""
    node = parse(rule, TCP)
    table: MatcherTable[Any] = TCP
    return TcpEntry(node, compile_node(node, table), priority_of(rule, node, priority), order, mode, rule)


@pytest.mark.parametrize(
    ("rule", "given", "priority"),
    [
        ("HostSNI(`*`)", 0, -1),
        ("HostSNI(`*`)", 7, 7),
        ("HostSNI(`a`)", 0, 12),
        ("HostSNI(`*`) && ALPN(`x`)", 0, 25),
        ("HostSNI(`a`)", -5, -5),
    ],
)
def test_priority(rule: str, given: int, priority: int) -> None:
    """The length of the rule, unless one is given; a rule for all names stands behind."""
    assert priority_of(rule, parse(rule, TCP), given) == priority


@pytest.mark.parametrize(
    ("rule", "found"),
    [("HostSNI(`*`)", True), ("HostSNI(`a`) || HostSNI(`*`)", True), ("!HostSNI(`a`)", False), ("ALPN(`x`)", False)],
)
def test_takes_all(rule: str, found: bool) -> None:
    """Whether a rule is for every name."""
    assert takes_all(parse(rule, TCP)) == found


def test_table() -> None:
    """By priority, then in the order written; those without TLS, with names, and for all names stand apart."""
    names, longer, all_names, plain = (
        "HostSNI(`a`)",
        "HostSNI(`a`) && ALPN(`x`)",
        "HostSNI(`*`)",
        "ClientIP(`10.0.0.1`)",
    )
    table = TcpTable([entry(all_names), entry(names, 1), entry(longer, 2), entry(plain, 3, mode="plain")])
    assert first(table.named, Visitor("", "a", ("x",))) == longer
    assert first(table.named, Visitor("", "A.".lower().rstrip("."), ())) == names
    assert first(table.named, Visitor("", "b", ())) is None
    assert first(table.others, Visitor("", "b", ())) == all_names
    assert first(table.plain, Visitor("10.0.0.1")) == plain
    assert first(table.plain, Visitor("10.0.0.2")) is None
    assert table.has_tls
    assert not TcpTable([entry(all_names, mode="plain")]).has_tls
    assert not TcpTable[str]()
