"""What an entrypoint makes of a connection by its first bytes: HTTP or TCP, with TLS or without, ended here or not.

The order is Traefik's (pkg/server/router/tcp/router.go: ServeTCP), so that HTTP and TCP routers share a port.
"""

from __future__ import annotations

from collections.abc import Iterable

from a3sgw.networks import NetworkSet
from a3sgw.proxy.tcp_route import TcpRoute
from a3sgw.routing.tcp import TcpTable, Visitor, first
from a3sgw.tls.names import Names
from a3sgw.tls.termination import Termination

HTTP = "HTTP"
"""In the place of a route: the HTTP routers decide, request by request."""


class Switch:
    """Of one entrypoint; replaced whole at a reload."""

    def __init__(
        self,
        *,
        http: bool,
        hosts: Iterable[str] = (),
        others: bool = False,
        tcp: TcpTable[TcpRoute] | None = None,
        termination: Termination | None = None,
        proxy_protocol: bool = False,
        proxy_required: bool = False,
        allowed: NetworkSet | None = None,
        patience: float = 10.0,
    ) -> None:
        """`hosts` are those that HTTP routers name; `others` says whether some name none."""
        self.http = http
        self.tcp: TcpTable[TcpRoute] = tcp or TcpTable()
        self.termination = termination
        self.proxy_protocol = proxy_protocol
        self.proxy_required = proxy_required
        self.allowed = allowed
        """Networks that may connect; None means all."""
        self.patience = patience
        """Seconds for what has to be known before a connection has a route."""
        self._hosts: Names[bool] = Names((host, True) for host in hosts)
        self._others = others
        self._routes = {entry.route.name: entry.route for entry in self.tcp.entries}
        self.expects_tls = termination is not None or self.tcp.has_tls
        self.postgres = self.tcp.has_tls
        """Whether clients of PostgreSQL may ask for TLS in their own way."""

    @property
    def looks(self) -> bool:
        """Whether the first bytes have to be looked at; servers that speak first need not wait for a client then."""
        return self.expects_tls or self.http

    def plain(self, peer_ip: str) -> TcpRoute | str | None:
        """For a connection without TLS."""
        found = first(self.tcp.plain, Visitor(peer_ip))
        return found or (HTTP if self.http and self.termination is None else None)

    def secure(self, visitor: Visitor) -> TcpRoute | str | None:
        """For one with TLS: names come before what takes all, HTTP before TCP."""
        http = self.http and self.termination is not None
        if http and self._hosts and self._hosts.find(visitor.sni):
            return HTTP
        found = first(self.tcp.named, visitor)
        if found is not None:
            return found
        if http and self._others:
            return HTTP
        return first(self.tcp.others, visitor) or (HTTP if http else None)

    def has(self, route: TcpRoute) -> bool:
        """Whether connections may still get this route."""
        return self._routes.get(route.name) is route

    def __repr__(self) -> str:
        return f"<Switch [{'HTTP, ' if self.http else ''}{self.tcp!r}, {self.termination!r}]>"
