"""What every balancer does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

from a3sgw.http.message import Request


class Weighted(Protocol):
    """What a balancer needs to know of an endpoint."""

    weight: int
    in_flight: int


EndpointType = TypeVar("EndpointType", bound=Weighted)


class Balancer(Protocol[EndpointType]):
    """Made at load from the endpoints of a service whose weight is not 0; `pick` is on the request path."""

    def __init__(self, endpoints: Sequence[EndpointType]) -> None: ...

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """The endpoint to ask; None when all have been `tried` or there is none."""


class Turns(Generic[EndpointType]):
    """Everyone in the order of `turns`, then from the start: what balancers share whose order is known at load."""

    def __init__(self, endpoints: Sequence[EndpointType]) -> None:
        self._turns = self.turns(endpoints)
        self._count = len(self._turns)
        self._next = 0

    def turns(self, endpoints: Sequence[EndpointType]) -> tuple[EndpointType, ...]:
        """The order of one round."""
        return tuple(endpoints)

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(1) unless endpoints have been tried."""
        turns = self._turns
        for _ in turns:
            position = self._next
            endpoint = turns[position]
            self._next = position + 1 if position + 1 < self._count else 0
            if not tried or endpoint not in tried:
                return endpoint
        return None
