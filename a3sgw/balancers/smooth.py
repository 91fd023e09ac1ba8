"""Turns by weight, spread evenly: a heap of deadlines.

In a round of length 1 an endpoint of weight w has its turns at (k + wait) / w for k = 0 … w - 1. All rounds are the
same, so any window of sum(weights) turns holds each endpoint exactly as often as its weight says. This is O(log n)
per turn; nginx's order, which is as even, costs O(n) or a list of the whole round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from math import gcd
from typing import Generic

from a3sgw.balancers.base import EndpointType

_FINEST = 1_000_000
"""Shares that are no whole numbers are rounded to this part of the largest."""
_NEARLY_ONE = 1 - 1e-9


class Smooth(Generic[EndpointType]):
    """Endless turns of `endpoints` by share, beginning as their `waits` (0 to 1, in turns of its own) tell."""

    def __init__(self, endpoints: Sequence[EndpointType], waits: Mapping[EndpointType, float]) -> None:
        self._endpoints = endpoints
        self._weights = whole([endpoint.share for endpoint in endpoints])
        self._waits = [min(waits[endpoint], _NEARLY_ONE) for endpoint in endpoints]
        both = zip(self._waits, self._weights, strict=True)
        first = [(wait / weight, index, 0) for index, (wait, weight) in enumerate(both)]
        heapify(first)
        self._round = first
        self._heap = first.copy()
        self._now = 0.0

    def turn(self) -> EndpointType:
        """Whose turn it is."""
        heap = self._heap
        now, index, number = heap[0]
        number += 1
        if number < (weight := self._weights[index]):
            heapreplace(heap, ((number + self._waits[index]) / weight, index, number))
        else:
            heappop(heap)
        self._now = now
        if not heap:
            self._begin_round()
        return self._endpoints[index]

    def _begin_round(self) -> None:
        self._heap = self._round.copy()
        self._now = 0.0

    def waits(self) -> dict[EndpointType, float]:
        """How far each is from its turn, as a part (0 to 1) of the time between two of its turns."""
        following = [1 + wait / weight for wait, weight in zip(self._waits, self._weights, strict=True)]
        for deadline, index, _ in self._heap:
            following[index] = deadline
        found = zip(self._endpoints, following, self._weights, strict=True)
        return {endpoint: (deadline - self._now) * weight for endpoint, deadline, weight in found}


def whole(shares: Sequence[float]) -> list[int]:
    """Weights at the ratio of `shares`: exact for whole numbers, else to a millionth of the largest."""
    if all(share == int(share) for share in shares):
        weights = [int(share) for share in shares]
    else:
        largest = max(shares)
        weights = [max(1, round(share / largest * _FINEST)) for share in shares]
    divisor = gcd(*weights)
    return [weight // divisor for weight in weights]
