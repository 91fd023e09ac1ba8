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
        self._next = 0

    def turns(self, endpoints: Sequence[EndpointType]) -> tuple[EndpointType, ...]:
        """The order of one round."""
        return tuple(endpoints)

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(1) unless endpoints have been tried."""
        turns = self._turns
        for _ in turns:
            position = self._next
            if position >= len(turns):
                position = 0
            self._next = position + 1
            endpoint = turns[position]
            if endpoint not in tried:
                return endpoint
        return None
