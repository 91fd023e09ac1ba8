"""Everyone in turn."""

from __future__ import annotations

from a3sgw.balancers.base import EndpointType, Turns


class RoundRobin(Turns[EndpointType]):
    """Each endpoint once, then from the start."""


STRATEGY = RoundRobin
