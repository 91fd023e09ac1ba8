"""Drawing lots by share: what random and p2c have in common."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import random

from a3sgw.balancers.base import Balancer, EndpointType, Key


class Lots(Balancer[EndpointType]):
    """Endpoints side by side on a line, each as long as its share; a random point is a draw, found in O(log n)."""

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self.chance: Callable[[], float] = random
        """A number from 0 up to 1, drawn anew each time; no secret hangs on it."""
        super().__init__(endpoints, key)

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(n)."""
        self._endpoints = tuple(endpoints)
        self._ends = list(accumulate(endpoint.share for endpoint in endpoints))
        self._total = self._ends[-1] if endpoints else 0.0
        self._last = len(endpoints) - 1

    def draw(self) -> int:
        """The place of one endpoint, by share; there has to be one."""
        return bisect(self._ends, self.chance() * self._total, 0, self._last)

    def draw_another(self, first: int) -> int:
        """A place other than `first`, by share; there have to be two. The line is as if `first` was cut out."""
        end = self._ends[first]
        start = self._ends[first - 1] if first else 0.0
        point = self.chance() * (self._total - (end - start))
        found = bisect(self._ends, point if point < start else point + end - start, 0, self._last)
        if found != first:
            return found
        return first + 1 if first < self._last else first - 1  # rounding put the point on the edge of `first`
