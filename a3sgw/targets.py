"""From the servers of a service to the addresses that are really asked, and which services have servers at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.server import Scheme, Server
from a3sgw.config.service import Service

Found = tuple[str, int, int]
"""(address, port, weight) that a name stands for; 0 where the configured one holds."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address behind a service; `path` is that of a Unix socket, which has no host and no port."""

    url: str
    """What it is called everywhere: ``scheme://address:port`` or ``unix:/path``."""
    server: str
    """The configured URL it comes from."""
    scheme: Scheme
    host: str
    """What to connect to: an address, or a name that the system resolves."""
    port: int
    path: str
    name: str
    """The configured host, for SNI, the certificate and the Host field."""
    weight: int


def needs_resolving(server: Server) -> bool:
    """Whether its host is a name that we ask the DNS for.

    Not so ``localhost``, which is one machine by two addresses: the system tries both at each connection, where as two
    endpoints the one that nobody listens on would fail.
    """
    url = server.url
    if url.scheme == "unix" or server.resolve == "system" or url.host == "localhost":
        return False
    return ":" not in url.host and not _is_ipv4(url.host)


def expand(servers: Iterable[Server], addresses: Mapping[str, Sequence[Found]]) -> list[Target]:
    """The targets of `servers` in order, with what their names stand for by URL; what is there twice counts once, with
    both weights."""
    targets: dict[str, Target] = {}
    for server in servers:
        for target in _of(server, addresses):
            twice = targets.get(target.url)
            targets[target.url] = target if twice is None else replace(twice, weight=twice.weight + target.weight)
    return list(targets.values())


def leaves(name: str, service: Service) -> Iterator[tuple[str, LoadBalancer]]:
    """(leaf name, options) of each group of servers: the service itself, or its revisions as ``service@revision``.

    A revision has the options of the service's load balancer, with a strategy and servers of its own. A weighted
    service has no servers.
    """
    options = service.load_balancer
    for revision in service.revisions:
        changes = {"strategy": revision.strategy, "servers": revision.servers}
        yield f"{name}@{revision.name}", (options or LoadBalancer.model_validate({})).model_copy(update=changes)
    if options is not None and not service.revisions:
        yield name, options


def _of(server: Server, addresses: Mapping[str, Sequence[Found]]) -> Iterator[Target]:
    url = server.url
    text, name = str(url), _name(server)
    if not needs_resolving(server):
        yield Target(text, text, url.scheme, url.host, url.port, url.path, name, server.weight)
        return
    for address, port, weight in addresses.get(text, ()):
        port = port or url.port
        called = f"{url.scheme}://{f'[{address}]' if ':' in address else address}:{port}"
        share = server.weight and (weight or server.weight)  # an operator's 0 stands
        yield Target(called, text, url.scheme, address, port, "", name, share)


def _name(server: Server) -> str:
    """Certificates are made out to the domain of an SRV name, not to its service labels (RFC 6125 §6.2.1)."""
    labels = server.url.host.removesuffix(".").split(".")
    while server.resolve == "srv" and len(labels) > 1 and labels[0].startswith("_"):
        del labels[0]
    return ".".join(labels)


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
