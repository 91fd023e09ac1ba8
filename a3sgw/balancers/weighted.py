"""In turn, but by weight, and never the same one longer than needed."""

from __future__ import annotations

from a3sgw.balancers.base import EndpointType
from a3sgw.balancers.turns import Turns


class WeightedRoundRobin(Turns[EndpointType]):
    """Over any window of sum(weights) picks each endpoint gets exactly its weight, spread evenly."""


STRATEGY = WeightedRoundRobin
