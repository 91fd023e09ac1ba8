"""Everyone in turn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic

from a3sgw.balancers.base import EndpointType
from a3sgw.http.message import Request


class RoundRobin(Generic[EndpointType]):
    """Each endpoint once, then from the start."""

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


STRATEGY = RoundRobin
