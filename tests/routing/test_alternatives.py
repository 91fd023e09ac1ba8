"""Keys of rules."""

from __future__ import annotations

import pytest
from hypothesis import given

from a3sgw.http.message import Request
from a3sgw.routing.alternatives import (
    MAX_ALTERNATIVES,
    MAX_PRODUCT,
    Alternative,
    HostKey,
    PathKey,
    alternatives,
    both_hosts,
    both_paths,
)
from a3sgw.rule.ast import Match, Node
from a3sgw.rule.compile import compile_rule
from a3sgw.rule.parse import parse
from tests.rule.strategies import nodes, requests


def holds(alternative: Alternative, request: Request) -> bool:
    """An alternative as the rule it stands for."""
    host, path = alternative.host, alternative.path
    by_host = {
        "any": True,
        "exact": request.host == host.name,
        "wildcard": b"." in request.host and request.host.partition(b".")[2] == host.name,
    }
    by_path = request.path == path.text if path.kind == "exact" else request.path.startswith(path.text)
    return by_host[host.kind] and by_path and all(compile_rule(node)(request) for node in alternative.rest)


@given(nodes(), requests())
def test_together_they_are_the_rule(node: Node, request: Request) -> None:
    """A request satisfies a rule exactly when it satisfies one of its alternatives."""
    expected = bool(compile_rule(node)(request))
    assert any(holds(alternative, request) for alternative in alternatives(node)) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Host(`A.`) && PathPrefix(`/v1`)", [Alternative(HostKey("exact", b"a"), PathKey("prefix", b"/v1"))]),
        ("Host(`*.a`)", [Alternative(HostKey("wildcard", b"a"))]),
        ("Host(`*`)", [Alternative()]),
        ("Host(`a`) && Host(`b`)", []),
        ("Path(`/a`) && PathPrefix(`/b`)", []),
        ("PathPrefix(`/a`) && Path(`/ab`)", [Alternative(path=PathKey("exact", b"/ab"))]),
        (
            "PathPattern(`/a/:b`)",
            [Alternative(path=PathKey("prefix", b"/a/"), rest=(Match("PathPattern", ("/a/:b",)),))],
        ),
    ],
)
def test_keys(rule: str, expected: list[Alternative]) -> None:
    """Hosts and paths become keys and are decided by them; contradictions leave no alternative."""
    assert alternatives(parse(rule)) == expected


def test_bounded() -> None:
    """A product of alternatives is not spelled out without end, a long list of hosts is, up to a limit."""
    product = " && ".join(f"(Path(`/{i}`) || PathPrefix(`/{i}{i}`) || Method(`A`))" for i in range(12))
    assert len(alternatives(parse(product))) <= MAX_PRODUCT
    hosts = " || ".join(f"Host(`h{i}`)" for i in range(MAX_ALTERNATIVES))
    assert len(alternatives(parse(f"({hosts}) && PathPrefix(`/v1`)"))) == MAX_ALTERNATIVES
    assert len(alternatives(parse(f"{hosts} || Host(`one-more`)"))) == 1


def test_both() -> None:
    """What fits two keys at once is symmetric and exact."""
    wild, exact, other = HostKey("wildcard", b"a"), HostKey("exact", b"x.a"), HostKey("exact", b"x.y.a")
    assert both_hosts(wild, exact) == both_hosts(exact, wild) == exact
    assert both_hosts(wild, other) is both_hosts(other, exact) is None
    short, long, path = PathKey("prefix", b"/a"), PathKey("prefix", b"/a/b"), PathKey("exact", b"/a/b/c")
    assert both_paths(short, long) == both_paths(long, short) == long
    assert both_paths(path, short) == both_paths(long, path) == path
    assert both_paths(path, path) == path
    assert both_paths(path, PathKey("exact", b"/a")) is None
    assert both_paths(PathKey("exact", b"/a"), long) is both_paths(path, PathKey("prefix", b"/b")) is None
