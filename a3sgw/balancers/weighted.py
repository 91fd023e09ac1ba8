"""In turn, but by weight, and never the same one longer than needed."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from a3sgw.balancers.base import EndpointType, Turns

_MAX_TURNS = 100_000


class WeightedRoundRobin(Turns[EndpointType]):
    """Over any round of sum(weights) picks each endpoint gets exactly its weight, spread evenly (nginx's smooth order).

    The order of a round is worked out once, at load; picking is the same as in turn.
    """

    def turns(self, endpoints: Sequence[EndpointType]) -> tuple[EndpointType, ...]:
        """Raise every credit by its weight, take the richest, charge it the total; repeat for one round."""
        if not endpoints:
            return ()
        divisor = gcd(*(endpoint.weight for endpoint in endpoints))
        weights = [endpoint.weight // divisor for endpoint in endpoints]
        total = sum(weights)
        while (
            total > _MAX_TURNS and max(weights) > 1
        ):  # keeps the ratio to better than a thousandth, and memory bounded
            weights = [max(1, weight // 2) for weight in weights]
            total = sum(weights)
        credits = [0] * len(weights)
        order = []
        for _ in range(total):
            credits = [credit + weight for credit, weight in zip(credits, weights, strict=True)]
            richest = max(range(len(credits)), key=credits.__getitem__)
            credits[richest] -= total
            order.append(endpoints[richest])
        return tuple(order)


STRATEGY = WeightedRoundRobin
