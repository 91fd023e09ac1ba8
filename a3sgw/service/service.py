"""A named group of endpoints behind a balancer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from a3sgw.balancers.base import Balancer
from a3sgw.http.message import Request
from a3sgw.plan import Plan
from a3sgw.upstream.endpoint import Endpoint

Pick = Callable[[Request, Collection[Endpoint]], Endpoint | None]


class Service:
    """What a route forwards to. Compared by identity: a reload that changes nothing about it keeps it."""

    __slots__ = ("balancer", "endpoints", "name", "pick", "plan")

    def __init__(self, name: str, endpoints: Sequence[Endpoint], balancer: Balancer[Endpoint], plan: Plan) -> None:
        self.name = name
        self.endpoints = tuple(endpoints)
        self.balancer = balancer
        self.plan = plan
        self.pick: Pick = balancer.pick
        """The endpoint to ask, given those tried already; None when there is nobody left to ask."""

    def __repr__(self) -> str:
        return f"<Service [{self.name}, {len(self.endpoints)} endpoints]>"

    def close(self, keep: set[int]) -> None:
        """No configuration names it any more: idle connections go now, busy ones after their exchange.

        `keep` holds identities of pools that another service goes on using.
        """
        for endpoint in self.endpoints:
            if id(endpoint.pool) not in keep:
                endpoint.pool.close()
