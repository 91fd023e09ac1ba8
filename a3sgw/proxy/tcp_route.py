"""A router of connections, compiled: everything a call needs to know, decided at load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from a3sgw.observe.tcp import TcpMetrics
from a3sgw.plan import Plan
from a3sgw.proxy.doors import Doors
from a3sgw.proxy.tunnel import Terms
from a3sgw.routing.tcp import Mode
from a3sgw.service.node import Leaf, Node
from a3sgw.tls.profile import Profile


@dataclass(frozen=True, slots=True)
class Way:
    """How connections go to one of the services that a route may lead to."""

    plan: Plan
    terms: Terms
    proxy_protocol: str = ""
    """Version of the PROXY header that endpoints get; empty for none."""


@dataclass(frozen=True, slots=True, eq=False)
class TcpRoute:
    """Compared by identity: a reload that changes nothing about it keeps it, and its connections."""

    name: str
    service: str
    node: Node
    """Where to ask for an endpoint."""
    plans: Mapping[Leaf, Plan]
    """The times of each service it may lead to."""
    ways: Mapping[Leaf, Way]
    """All there is to know of each of them."""
    mode: Mode
    profile: Profile | None
    """What TLS is ended with, where it ends here."""
    doors: Doors
    """Middlewares that look at connections."""
    metrics: TcpMetrics
    observe: tuple[Callable[[Any], None], ...] = ()
    """Told of each connection that has ended."""

    def __repr__(self) -> str:
        return f"<TcpRoute [{self.name} → {self.service}, {self.mode}]>"
