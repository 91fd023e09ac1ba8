"""A named group of endpoints behind a balancer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from a3sgw.balancers.base import Balancer
from a3sgw.http.message import Request
from a3sgw.plan import Plan
from a3sgw.upstream.endpoint import Endpoint


class Service:
    """What a route forwards to. Compared by identity: a reload that changes nothing about it keeps it."""

    __slots__ = ("balancer", "endpoints", "name", "plan")

    def __init__(self, name: str, endpoints: Sequence[Endpoint], balancer: Balancer[Endpoint], plan: Plan) -> None:
        self.name = name
        self.endpoints = tuple(endpoints)
        self.balancer = balancer
        self.plan = plan

    def __repr__(self) -> str:
        return f"<Service [{self.name}, {len(self.endpoints)} endpoints]>"

    def pick(self, request: Request, tried: Collection[Endpoint] = ()) -> Endpoint | None:
        """The endpoint to ask; None when there is nobody left to ask."""
        return self.balancer.pick(request, tried)

    def close(self) -> None:
        """No configuration names it any more: idle connections go now, busy ones after their exchange."""
        for endpoint in self.endpoints:
            endpoint.pool.close()
