"""Hosts for certificates."""

from __future__ import annotations

from a3sgw.rule.domains import domains
from a3sgw.rule.parse import parse
from a3sgw.rule.tcp_matchers import TCP


def test_names_in_order_once() -> None:
    """Lower case, without duplicates, negations and the catch-all; server names of TCP rules too."""
    assert domains(parse("Host(`B`) || Host(`a.`) || Host(`b`) || !Host(`c`) || Host(`*`)")) == ["b", "a"]
    assert domains(parse("HostSNI(`X`) && !(HostSNI(`y`) || ALPN(`h2`))", TCP)) == ["x"]
