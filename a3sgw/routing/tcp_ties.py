"""Routers of TCP connections of equal priority that one connection could satisfy both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from a3sgw.http.message import Request
from a3sgw.networks import Network, NetworkSet
from a3sgw.routing.alternatives import alternatives
from a3sgw.routing.index import Entry
from a3sgw.routing.tcp import TcpEntry
from a3sgw.routing.ties import ties
from a3sgw.rule.ast import And, Match, Node, Not, Or


def tcp_ties(entries: Iterable[TcpEntry[Any]]) -> list[tuple[int, int]]:
    """Pairs of `order`, smaller first, sorted; conservative, as those of HTTP. Connections without TLS, with a name and
    those that are left for ``HostSNI(`*`)`` meet different rules, so only those of one kind can tie."""
    kinds: dict[tuple[bool, bool], list[TcpEntry[Any]]] = defaultdict(list)
    for entry in entries:
        kinds[entry.mode == "plain", entry.mode != "plain" and entry.takes_all].append(entry)
    found = []
    for alike in kinds.values():
        nodes = {one.order: _as_http(one.node) for one in alike}
        pairs = ties(Entry(nodes[one.order], _nobody_asks, one.priority, one.order, None) for one in alike)
        networks = {order: _networks(nodes[order]) for pair in pairs for order in pair}
        found += [pair for pair in pairs if _meet(*(networks[order] for order in pair))]
    return sorted(found)


def _nobody_asks(request: Request) -> bool:
    """Rules are compared by what they say, never asked."""
    raise AssertionError("unreachable")


def _as_http(node: Node) -> Node:
    """The same rule in words that are compared already: what ``HostSNI`` is to connections ``Host`` is to requests."""
    if isinstance(node, Match):
        return replace(node, name="Host") if node.name == "HostSNI" else node
    if isinstance(node, Not):
        return Not(_as_http(node.child))
    children = tuple(map(_as_http, node.children))
    return And(children) if isinstance(node, And) else Or(children)


def _networks(node: Node) -> list[Network] | None:
    """Where clients have to be for the rule to hold; None when it may hold anywhere."""
    found: list[Network] = []
    for alternative in alternatives(node):
        asked = [one.values[0] for one in alternative.rest if isinstance(one, Match) and one.name == "ClientIP"]
        if not asked:
            return None
        found += NetworkSet(asked[:1]).networks
    return found


def _meet(one: list[Network] | None, other: list[Network] | None) -> bool:
    if one is None or other is None:
        return True
    return any(a.version == b.version and a.overlaps(b) for a in one for b in other)
