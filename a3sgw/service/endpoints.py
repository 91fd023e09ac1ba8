"""From what a service is told to forward to, to endpoints with their pools."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from a3sgw.config.health_check import PassiveHealthCheck
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.machines.breaker import Breaker
from a3sgw.machines.outlier import Outlier, OutlierOptions
from a3sgw.sweeper import Sweeper
from a3sgw.targets import Target, expand
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.pool import Address, Pool

Resolved = Mapping[str, Sequence[tuple[str, int, int]]]
"""What names stand for: by server, (address, port, weight)."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Makes the endpoints of one service, again whenever a name stands for something else."""

    options: LoadBalancer
    sweeper: Sweeper
    tls: ssl.SSLContext | None

    def make(self, resolved: Resolved, known: Mapping[str, Endpoint], pools: Mapping[object, Pool]) -> list[Endpoint]:
        """Those in `known` (by URL) go on; `pools` are used where they are the same."""
        targets = expand(self.options.servers, resolved)
        return [known.get(target.url) or self._endpoint(target, pools) for target in targets]

    def _endpoint(self, target: Target, pools: Mapping[object, Pool]) -> Endpoint:
        options = self.options
        secure = target.scheme == "https" or (target.scheme == "tcp" and options.tls is not None)
        named = options.tls.server_name if options.tls else ""
        address = Address(target.host, target.port, target.path, named or target.name)
        identity = (
            address,
            secure,
            options.tls if secure else None,
            options.max_idle_connections,
            options.idle_timeout,
        )
        pool = pools.get(identity)
        if pool is None:
            tls = self.tls if secure else None
            pool = Pool(address, self.sweeper, tls, options.max_idle_connections, options.idle_timeout, identity)
        endpoint = Endpoint(target.url, _authority(target), target.weight, pool)
        if options.circuit_breaker is not None:
            endpoint.breaker = Breaker(options.circuit_breaker.machine())
        if options.passive_health_check is not None:
            endpoint.outlier = Outlier(_outlier_options(options.passive_health_check))
        return endpoint


def _outlier_options(options: PassiveHealthCheck) -> OutlierOptions:
    return OutlierOptions(
        max_failed_attempts=options.max_failed_attempts,
        failure_ratio=options.failure_ratio,
        min_requests=options.min_requests,
        window=options.failure_window,
        ejection_time=options.ejection_time,
        max_ejection_time=max(options.max_ejection_time, options.ejection_time),
    )


def _authority(target: Target) -> bytes:
    """The Host value for services that do not pass the client's: without the port when it is the scheme's own."""
    if target.path:
        return b"localhost"
    host = f"[{target.name}]" if ":" in target.name else target.name
    usual = 443 if target.scheme == "https" else 80
    return (host if target.port == usual else f"{host}:{target.port}").encode()
