"""A router, compiled: everything an exchange needs to know, decided at load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from a3sgw.plan import Plan
from a3sgw.routing.chain import Chain
from a3sgw.service.service import Service

Observer = Callable[[Any], None]
"""Called with the exchange when it has ended; access log and metrics are compiled into a route as such."""


class Route:
    """`service` is None for routes whose chain always answers by itself."""

    __slots__ = ("chain", "name", "observers", "plan", "service")

    def __init__(
        self, name: str, chain: Chain, service: Service | None, plan: Plan, observers: tuple[Observer, ...]
    ) -> None:
        self.name = name
        self.chain = chain
        self.service = service
        self.plan = plan
        self.observers = observers

    def __repr__(self) -> str:
        return f"<Route [{self.name} → {self.service.name if self.service else 'none'}]>"
