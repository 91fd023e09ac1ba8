"""Everyone in turn."""

from __future__ import annotations

from a3sgw.balancers.base import EndpointType
from a3sgw.balancers.turns import Turns


class RoundRobin(Turns[EndpointType]):
    """Each endpoint once, then from the start; by share while one of them starts slowly."""


STRATEGY = RoundRobin
