"""The routes of connections: which of them go to which endpoints, and who ends their TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from a3sgw.middlewares.base import Middleware
from a3sgw.plan import Plan
from a3sgw.rule.ast import Match, Node, Not
from a3sgw.rule.priority import default_priority
from a3sgw.service.node import Node as ServiceNode
from a3sgw.tls.profile import Profile

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


class TcpRoute:
    """A router of connections, compiled."""

    __slots__ = ("doors", "linger", "mode", "name", "node", "observe", "plan", "profile", "proxy_protocol", "service")

    def __init__(
        self,
        name: str,
        service: str,
        node: ServiceNode,
        plan: Plan,
        mode: Mode,
        profile: Profile | None,
        doors: tuple[Middleware[Any], ...],
        observe: Callable[[Any], None],
        linger: float = 5.0,
        proxy_protocol: str = "",
    ) -> None:
        self.name = name
        self.service = service
        self.node = node
        self.plan = plan
        self.mode = mode
        self.profile = profile
        """What TLS is ended with, where it ends here."""
        self.doors = doors
        """Middlewares that look at connections."""
        self.observe = observe
        """Told of each connection that has ended."""
        self.linger = linger
        """Seconds of silence that one side may have after the other has ended."""
        self.proxy_protocol = proxy_protocol
        """Version of the header endpoints get; empty for none."""

    def __repr__(self) -> str:
        return f"<TcpRoute [{self.name} → {self.service}, {self.mode}]>"


@dataclass(frozen=True, slots=True)
class TcpEntry:
    """A route with its rule."""

    node: Node
    predicate: Callable[[Any], bool]
    priority: int
    order: int
    route: TcpRoute

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


class TcpTable:
    """All routes of connections of one entrypoint; replaced whole at a reload."""

    def __init__(self, entries: Iterable[TcpEntry] = ()) -> None:
        self.entries = sorted(entries, key=lambda one: (-one.priority, one.order))
        self.plain = tuple((one.predicate, one.route) for one in self.entries if one.route.mode == "plain")
        tls = [one for one in self.entries if one.route.mode != "plain"]
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


Found = tuple[tuple[Callable[[Any], bool], TcpRoute], ...]


def first(routes: Found, visitor: Visitor) -> TcpRoute | None:
    """The first whose rule holds."""
    for holds, route in routes:
        if holds(visitor):
            return route
    return None
