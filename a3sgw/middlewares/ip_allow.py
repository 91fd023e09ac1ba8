"""Let only clients from the given networks through."""

from __future__ import annotations

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware
from a3sgw.networks import NetworkSet
from a3sgw.options import BaseOptions, Field, Network


class Options(BaseOptions):
    """Options of `ip-allow`."""

    allowed_ips: tuple[Network, ...] = Field(min_length=1)
    """Networks that may pass, as CIDR or single address."""

    status: int = Field(403, ge=400, le=599)
    """Status sent to everyone else."""


class IpAllow(Middleware[Options]):
    """Looks at the client's address: the peer's, or behind `trusted_ips` the one a trusted proxy names."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._allowed = NetworkSet(options.allowed_ips)

    def request(self, request: Request) -> None:
        """Refuse whoever is in none of the networks."""
        if request.client_ip not in self._allowed:
            raise ClientError(self.options.status, f"{request.client_ip or 'an unknown address'} is not allowed")
