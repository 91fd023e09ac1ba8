"""The better of two drawn by lot: nearly as even as least-connections, and gateways do not run after each other."""

from __future__ import annotations

from collections.abc import Collection

from a3sgw.balancers.base import EndpointType
from a3sgw.balancers.lots import Lots
from a3sgw.http.message import Request


class PowerOfTwoChoices(Lots[EndpointType]):
    """Two different ones by chance and share, then the one with fewer exchanges running, by share.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001).
    """

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n), O(n) for retries."""
        if tried:
            rest = PowerOfTwoChoices([endpoint for endpoint in self._endpoints if endpoint not in tried])
            rest.chance = self.chance
            return rest.pick(request, ())
        endpoints = self._endpoints
        if len(endpoints) < 2:
            return endpoints[0] if endpoints else None
        place = self.draw()
        first, second = endpoints[place], endpoints[self.draw_another(place)]
        return second if (second.in_flight + 1) / second.share < (first.in_flight + 1) / first.share else first


STRATEGY = PowerOfTwoChoices
