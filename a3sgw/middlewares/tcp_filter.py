"""Turn connections away before they say anything: by address, and by how many there are."""

from __future__ import annotations

from a3sgw.middlewares.base import Context, Middleware, RefusingOptions
from a3sgw.networks import NetworkSet
from a3sgw.options import Field, Network, OptionError, model_validator
from a3sgw.shared.table import SharedTable


class Options(RefusingOptions):
    """Options of `tcp-filter`."""

    max_connections: int = Field(0, ge=0, le=2**31 - 1)
    """Connections open at once through this filter, from all workers together; 0 means no limit."""

    max_connections_per_ip: int = Field(0, ge=0, le=2**31 - 1)
    """The same from one address; 0 means no limit."""

    allowed_ips: tuple[Network, ...] = ()
    """Networks that may connect; empty means all."""

    @model_validator(mode="after")
    def _anything(self) -> Options:
        if not (self.max_connections or self.max_connections_per_ip or self.allowed_ips):
            raise OptionError("nothing is filtered", "add allowed_ips or max_connections", key="allowed_ips")
        return self


class TcpFilter(Middleware[Options]):
    """Named by an entrypoint. It sees the other end of the connection, whatever a proxy says in it, and closes without
    an answer. What a worker held that dies is given back; a reload keeps what is open."""

    _table: SharedTable

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._allowed = NetworkSet(options.allowed_ips)

    def attach(self, context: Context) -> None:
        """Connections are counted under the name."""
        super().attach(context)
        if context.table is not None:
            self._table = context.table
        self._all = b"tcp-filter\0%b" % context.name.encode()

    def accept(self, address: str) -> bool:
        """Whether it may stay; then it is counted."""
        options = self.options
        if options.allowed_ips and address not in self._allowed:
            return False
        if options.max_connections and not self._table.acquire(self._all, options.max_connections):
            return False
        if options.max_connections_per_ip and not self._table.acquire(
            self._one(address), options.max_connections_per_ip
        ):
            if options.max_connections:
                self._table.release(self._all)
            return False
        return True

    def closed(self, address: str) -> None:
        """One less."""
        if self.options.max_connections:
            self._table.release(self._all)
        if self.options.max_connections_per_ip:
            self._table.release(self._one(address))

    def _one(self, address: str) -> bytes:
        return b"%b\0%b" % (self._all, address.encode())
