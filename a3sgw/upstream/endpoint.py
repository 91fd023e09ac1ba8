"""One address of a service."""

from __future__ import annotations

from a3sgw.upstream.pool import Pool


class Endpoint:
    """An address with its pool; `weight` 0 keeps it out of the balance."""

    __slots__ = ("authority", "in_flight", "pool", "url", "weight")

    def __init__(self, url: str, authority: bytes, weight: int, pool: Pool) -> None:
        self.url = url
        self.authority = authority
        """Host value for services that do not pass the client's."""
        self.weight = weight
        self.pool = pool
        self.in_flight = 0
        """Exchanges now running on it."""

    def __repr__(self) -> str:
        return f"<Endpoint [{self.url}, {self.in_flight} in flight]>"
