"""From the options of a service to the service."""

from __future__ import annotations

import ssl
from importlib import import_module
from pathlib import Path
from typing import cast

from a3sgw.balancers.base import Balancer
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.server import Server
from a3sgw.config.service import Service as ServiceOptions
from a3sgw.plan import NO_LIMIT, Plan
from a3sgw.service.service import Service
from a3sgw.sweeper import Sweeper
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.pool import Address, Pool
from a3sgw.upstream.tls import client_context


def build_service(
    name: str, options: ServiceOptions, sweeper: Sweeper, previous: Service | None, directory: Path | None
) -> Service:
    """Make it; pools of `previous` go on being used where address and options are the same.

    Raises OSError or ssl.SSLError when the authorities for https endpoints cannot be read.
    """
    balancer = options.load_balancer or LoadBalancer.model_validate({})
    tls = None
    if any(server.url.scheme == "https" for server in balancer.servers):
        tls = client_context(balancer.tls, directory)
    known = {endpoint.pool.identity: endpoint.pool for endpoint in previous.endpoints} if previous is not None else {}
    endpoints = [_endpoint(server, balancer, sweeper, tls, known) for server in balancer.servers]
    weighted = len({endpoint.weight for endpoint in endpoints}) > 1
    strategy = "weighted" if weighted and balancer.strategy == "round-robin" else balancer.strategy
    usable = [endpoint for endpoint in endpoints if endpoint.weight > 0]
    return Service(name, endpoints, balancer_kind(strategy)(usable), _plan(balancer))


def balancer_kind(strategy: str) -> type[Balancer[Endpoint]]:
    """The class behind a strategy's name, from the file of that name; ImportError when there is none."""
    module = import_module(f"a3sgw.balancers.{strategy.replace('-', '_')}")
    return cast(type[Balancer[Endpoint]], module.STRATEGY)


def _endpoint(
    server: Server,
    options: LoadBalancer,
    sweeper: Sweeper,
    tls: ssl.SSLContext | None,
    known: dict[tuple[object, ...], Pool],
) -> Endpoint:
    url = server.url
    address = Address(url.host, url.port, url.path, options.tls.server_name if options.tls else "")
    secure = url.scheme == "https"
    identity = (address, secure, options.tls if secure else None, options.max_idle_connections, options.idle_timeout)
    pool = known.get(identity)
    if pool is None:
        limit, idle = options.max_idle_connections, options.idle_timeout
        pool = Pool(address, sweeper, tls if secure else None, limit, idle, identity)
    return Endpoint(str(url), _authority(server), server.weight, pool)


def _authority(server: Server) -> bytes:
    """The Host value for services that do not pass the client's: without the port when it is the scheme's own."""
    url = server.url
    if url.path:
        return b"localhost"
    host = f"[{url.host}]" if ":" in url.host else url.host
    usual = 443 if url.scheme == "https" else 80
    return (host if url.port == usual else f"{host}:{url.port}").encode()


def _plan(options: LoadBalancer) -> Plan:
    """Options as the data plane wants them: a limit of 0 or none is no limit."""
    return Plan(
        connect_timeout=options.connect_timeout or NO_LIMIT,
        request_timeout=options.request_timeout or NO_LIMIT,
        stream_idle_timeout=options.stream_idle_timeout or NO_LIMIT,
        stream_total_timeout=options.stream_total_timeout or NO_LIMIT,
        pass_host_header=options.pass_host_header,
    )
