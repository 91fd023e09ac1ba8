"""A router, compiled: everything an exchange needs to know, decided at load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from a3sgw.plan import Plan
from a3sgw.routing.chain import Chain
from a3sgw.service.node import Leaf, Node
from a3sgw.service.service import Service
from a3sgw.sweeper import Sweeper

Observer = Callable[[Any], None]
"""Called with the exchange when it has ended; access log and metrics are compiled into a route as such."""


@dataclass(frozen=True, slots=True)
class Care:
    """What a route needs to know whose requests are to be looked after: retried, failed over, limited, judged."""

    node: Node
    """Where to ask for a service."""
    plans: Mapping[Leaf, Plan]
    """How requests go to each service it may lead to."""
    keeps: int
    """Bytes of a body that are kept to be sent again."""
    copies: int
    """The same for those requests that are copied."""
    importance: int
    """0 low, 1 normal, 2 high."""
    sweeper: Sweeper


@dataclass(frozen=True, slots=True)
class Farewell:
    """How connections end that have left HTTP, when their route goes."""

    close_frame: bool = False
    """With WebSocket's 1001."""
    drain_timeout: float = 30.0
    """Within so many seconds."""


_USUAL = Farewell()


class Route:
    """`service` is None for routes whose chain always answers by itself, or that have `care`."""

    __slots__ = ("care", "chain", "farewell", "name", "observers", "plan", "service")

    def __init__(
        self,
        name: str,
        chain: Chain,
        service: Service | None,
        plan: Plan,
        observers: tuple[Observer, ...],
        care: Care | None = None,
        farewell: Farewell = _USUAL,
    ) -> None:
        self.name = name
        self.chain = chain
        self.service = service
        self.plan = plan
        self.observers = observers
        self.care = care
        self.farewell = farewell

    def __repr__(self) -> str:
        return f"<Route [{self.name} → {self.service.name if self.service else 'none'}]>"
