"""Let only clients from the given networks through."""

from __future__ import annotations

from a3sgw.errors import ClientError
from a3sgw.http.client_address import AddressOptions, client_address
from a3sgw.http.message import Request
from a3sgw.http.network_file import reader
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.networks import NetworkSet
from a3sgw.options import Field, Network, OptionError, model_validator


class Options(AddressOptions, RefusingOptions):
    """Options of `ip-allow`."""

    allowed_ips: tuple[Network, ...] = ()
    """Networks that may pass, as CIDR or single address."""

    allowed_ips_file: str = ""
    """File with more of them, one in each line; what follows `#` is a comment. It is read again when it changes; one
    that cannot be used, or says nothing, leaves the last good list in force."""

    status: int = Field(403, ge=400, le=599)
    """Status sent to everyone else."""

    @model_validator(mode="after")
    def _somebody(self) -> Options:
        if not self.allowed_ips and not self.allowed_ips_file:
            raise OptionError("nobody would be allowed", "name networks, or a file of them", "allowed_ips")
        return self


class IpAllow(Middleware[Options]):
    """Looks at the client's address: the peer's, or behind `trusted_ips` the one a trusted proxy names; `depth` and
    `excluded_ips` choose otherwise. Who has no address does not pass."""

    stage = Stage.ADDRESSES

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._allowed = NetworkSet(options.allowed_ips)
        self._address = client_address(options)

    def attach(self, context: Context) -> None:
        """Read the file, if there is one."""
        super().attach(context)
        options = self.options
        if options.allowed_ips_file:
            self.watch(options.allowed_ips_file, reader(options.allowed_ips), "allowed_ips_file", self._use)

    def _use(self, networks: NetworkSet) -> None:
        self._allowed = networks

    def request(self, request: Request) -> None:
        """Refuse whoever is in none of the networks."""
        address = self._address(request)
        if address not in self._allowed:
            raise ClientError(self.options.status, f"{address or 'an unknown address'} is not allowed")
