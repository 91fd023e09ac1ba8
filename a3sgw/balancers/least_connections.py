"""Whoever has the least to do."""

from __future__ import annotations

from a3sgw.balancers.base import EndpointType
from a3sgw.balancers.lowest import Lowest


class LeastConnections(Lowest[EndpointType]):
    """The fewest exchanges running, by share; the one that is about to come counts, so a share of 2 takes the first
    when all are idle.
    """

    def cost(self, endpoint: EndpointType) -> float:
        """Exchanges per share, with one more."""
        return (endpoint.in_flight + 1) / endpoint.share


STRATEGY = LeastConnections
