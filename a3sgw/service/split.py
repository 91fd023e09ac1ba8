"""Requests shared among services by weight: weighted services, and revisions of one service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from a3sgw.balancers.base import Balancer
from a3sgw.errors import NoEndpoint, UpstreamError
from a3sgw.http.message import Response
from a3sgw.plan import Plan
from a3sgw.retry_policy import RetryPolicy
from a3sgw.service.node import Journey, Leaf, Node, merged
from a3sgw.service.sticky import Stickiness


class Part:
    """One of the services, as a balancer sees it; `url` is its name."""

    __slots__ = ("in_flight", "node", "share", "url")

    def __init__(self, name: str, node: Node, share: float) -> None:
        self.url = name
        self.node = node
        self.share = share
        self.in_flight = 0

    def __repr__(self) -> str:
        return f"<Part [{self.url}, {self.share:g}]>"


class SplitNode:
    """Chooses one part for each request and stays with it; parts with nobody left are passed over."""

    def __init__(
        self,
        parts: Sequence[Part],
        balancer: Balancer[Part],
        sticky: Stickiness[Part] | None,
        retries: RetryPolicy | None = None,
    ) -> None:
        """`retries` hold for parts that say nothing about them."""
        self.parts = tuple(parts)
        self.keeps = max((part.node.keeps for part in parts), default=0)
        self.copies = max((part.node.copies for part in parts), default=0)
        self._balancer = balancer
        self._sticky = sticky
        self._leaves = merged(*(part.node.leaves() for part in parts))
        if retries is not None:
            own = ((leaf, plan if plan.retries else replace(plan, retries=retries)) for leaf, plan in self._leaves)
            self._leaves = tuple(own)
            self.keeps = max(self.keeps, retries.max_body_bytes)

    @property
    def usable(self) -> bool:
        """One is enough."""
        return any(part.node.usable for part in self.parts)

    @property
    def keeps_clients(self) -> bool:
        """One is enough."""
        return any(part.node.keeps_clients for part in self.parts)

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """Where the part that was chosen leads."""
        part = journey.chosen.get(self)
        if part is None:
            part = journey.chosen[self] = self._choose(journey)
        if not isinstance(part, Part):
            return NoEndpoint("no endpoint can be used")
        return part.node.resolve(journey)

    def _choose(self, journey: Journey) -> Part | None:
        bound = self._sticky.read(journey.request) if self._sticky is not None else None
        if bound is not None and bound.node.keeps_clients:
            return bound
        part = self._balancer.pick(journey.request, [one for one in self.parts if not one.node.usable])
        if part is not None and self._sticky is not None:
            journey.fields.append(self._sticky.field(part))
        return part

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Those of all parts."""
        return self._leaves
