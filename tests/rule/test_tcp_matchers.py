"""TCP matchers; what they mean case by case is in rules/corpus/tcp.toml."""

from __future__ import annotations

from types import SimpleNamespace

from a3sgw.rule.compile import compile_node
from a3sgw.rule.parse import parse
from a3sgw.rule.tcp_matchers import TCP
from tests.rule.corpus import cases


def test_every_matcher_has_examples() -> None:
    """The corpus shows each matcher."""
    for name in TCP.matchers:
        assert any(f"{name}(" in case["rule"] for case in cases("tcp")), name


def test_a_name_that_is_no_text() -> None:
    """A server name with a lone surrogate is matched against, never an exception."""
    holds = compile_node(parse("HostSNIRegexp(`^a.$`)", TCP), TCP)
    assert holds(SimpleNamespace(sni="a\ud800", alpn=(), peer_ip="")) is True
