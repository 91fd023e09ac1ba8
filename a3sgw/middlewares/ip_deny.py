"""Keep clients from the given networks out."""

from __future__ import annotations

from a3sgw.errors import ClientError
from a3sgw.http.client_address import AddressOptions, client_address
from a3sgw.http.message import Request
from a3sgw.http.network_file import reader
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.networks import NetworkSet
from a3sgw.options import Field, Network, OptionError, model_validator


class Options(AddressOptions, RefusingOptions):
    """Options of `ip-deny`."""

    denied_ips: tuple[Network, ...] = ()
    """Networks that may not pass, as CIDR or single address."""

    denied_ips_file: str = ""
    """File with more of them, one in each line; what follows `#` is a comment. It is read again when it changes; one
    that cannot be used leaves the last good list in force. It may be empty."""

    status: int = Field(403, ge=400, le=599)
    """Status sent to them."""

    @model_validator(mode="after")
    def _somebody(self) -> Options:
        if not self.denied_ips and not self.denied_ips_file:
            raise OptionError("nobody would be denied", "name networks, or a file of them", "denied_ips")
        return self


class IpDeny(Middleware[Options]):
    """Looks at the client's address: the peer's, or behind `trusted_ips` the one a trusted proxy names; `depth` and
    `excluded_ips` choose otherwise. Who has no address, or none that can be read, does not pass either: he could be
    anybody. So on a unix socket nobody passes unless an address is named by one of these ways."""

    stage = Stage.ADDRESSES

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._denied = NetworkSet(options.denied_ips)
        self._address = client_address(options)

    def attach(self, context: Context) -> None:
        """Read the file, if there is one."""
        super().attach(context)
        options = self.options
        if options.denied_ips_file:
            self.watch(
                options.denied_ips_file, reader(options.denied_ips, may_be_empty=True), "denied_ips_file", self._use
            )

    def _use(self, networks: NetworkSet) -> None:
        self._denied = networks

    def request(self, request: Request) -> None:
        """Refuse whoever is in one of the networks, or cannot be told from those who are."""
        address = self._address(request)
        if not address or address in self._denied:
            raise ClientError(self.options.status, f"{address or 'an unknown address'} is denied")
