"""Which rule a connection meets, by what is known of it before anybody has answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from a3sgw.rule.ast import Match, Node, Not
from a3sgw.rule.priority import default_priority

R = TypeVar("R")
Mode = Literal["plain", "terminate", "passthrough"]
"""Without TLS; with TLS that ends here; with TLS that the endpoint ends."""


class Visitor:
    """What rules know of a connection."""

    __slots__ = ("alpn", "peer_ip", "sni")

    def __init__(self, peer_ip: str, sni: str = "", alpn: tuple[str, ...] = ()) -> None:
        self.peer_ip = peer_ip
        self.sni = sni
        self.alpn = alpn

    def __repr__(self) -> str:
        return f"<Visitor [{self.peer_ip} asks for {self.sni or 'no name'}]>"


@dataclass(frozen=True, slots=True)
class TcpEntry(Generic[R]):
    """A route with its rule."""

    node: Node
    predicate: Callable[[Visitor], bool]
    priority: int
    order: int
    mode: Mode
    route: R

    @property
    def takes_all(self) -> bool:
        """Whether it is for every name."""
        return takes_all(self.node)


def takes_all(node: Node) -> bool:
    """Whether a rule has a ``HostSNI(`*`)`` (Traefik calls it catch-all)."""
    if isinstance(node, Match):
        return node.name == "HostSNI" and node.values[0] == "*"
    return any(map(takes_all, (node.child,) if isinstance(node, Not) else node.children))


def priority_of(rule: str, node: Node, given: int) -> int:
    """The operator's, or else the length of the rule; -1 for a lone ``HostSNI(`*`)``, as in Traefik."""
    if given:
        return given
    return -1 if isinstance(node, Match) and takes_all(node) else default_priority(rule)


class TcpTable(Generic[R]):
    """All routes of connections of one entrypoint; replaced whole at a reload."""

    def __init__(self, entries: Iterable[TcpEntry[R]] = ()) -> None:
        self.entries = sorted(entries, key=lambda one: (-one.priority, one.order))
        self.plain = tuple((one.predicate, one.route) for one in self.entries if one.mode == "plain")
        tls = [one for one in self.entries if one.mode != "plain"]
        self.named = tuple((one.predicate, one.route) for one in tls if not one.takes_all)
        self.others = tuple((one.predicate, one.route) for one in tls if one.takes_all)

    def __bool__(self) -> bool:
        return bool(self.entries)

    @property
    def has_tls(self) -> bool:
        """Whether some routes are for connections with TLS."""
        return bool(self.named or self.others)

    def __repr__(self) -> str:
        return f"<TcpTable [{len(self.entries)} routes]>"


def first(routes: tuple[tuple[Callable[[Visitor], bool], R], ...], visitor: Visitor) -> R | None:
    """The first whose rule holds."""
    for holds, route in routes:
        if holds(visitor):
            return route
    return None
