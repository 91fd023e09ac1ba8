"""One address of a service."""

from __future__ import annotations

from typing import Literal

from a3sgw.machines.breaker import Breaker
from a3sgw.machines.outlier import Outlier
from a3sgw.upstream.pool import Pool

Health = Literal["healthy", "degraded", "unhealthy"]


class Endpoint:
    """An address with its pool, and what is known of how it does.

    `weight` is the operator's, 0 keeps it out of the balance; `share` is what the balance goes by right now.
    """

    __slots__ = (
        "authority",
        "breaker",
        "configured",
        "draining",
        "draining_until",
        "ejected_until",
        "health",
        "in_flight",
        "outlier",
        "pool",
        "share",
        "since",
        "url",
        "weight",
    )

    def __init__(self, url: str, authority: bytes, weight: int, pool: Pool) -> None:
        self.url = url
        self.authority = authority
        """Host value for services that do not pass the client's."""
        self.weight = self.configured = weight
        self.share = float(weight)
        """The weight, or a part of it while the endpoint starts slowly."""
        self.pool = pool
        self.in_flight = 0
        """Exchanges now running on it."""
        self.health: Health = "healthy"
        """What the probes say."""
        self.ejected_until = 0.0
        """Monotonic time until which it is left out for what it did to real requests."""
        self.draining = False
        """Keeps its clients and gets no new ones."""
        self.draining_until = 0.0
        """Monotonic time when that ends by itself, 0 if it does not."""
        self.since = 0.0
        """Monotonic time when it came or came back, 0 for those that were there from the start."""
        self.breaker: Breaker | None = None
        self.outlier: Outlier | None = None

    def out_because(self, now: float) -> str:
        """In a word why it gets no requests; "in use" where none is known."""
        if self.health == "unhealthy":
            return "unhealthy"
        if self.breaker is not None and self.breaker.retry_after(now) > 0.0:
            return "with an open circuit breaker"
        if self.draining:
            return "draining"
        if self.weight <= 0:
            return "of weight 0"
        return "ejected" if self.ejected_until > now else "in use"

    def keeps_clients(self, now: float) -> bool:
        """Whether clients that are bound to it may go on with it: draining does not matter, being ill does."""
        if self.health == "unhealthy" or self.ejected_until > now:
            return False
        return self.breaker is None or self.breaker.retry_after(now) <= 0.0

    def __repr__(self) -> str:
        return f"<Endpoint [{self.url}, {self.health}, {self.in_flight} in flight]>"
