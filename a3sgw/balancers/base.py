"""What every balancer does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

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
