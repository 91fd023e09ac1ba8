"""What a service cannot do for routers of TCP and UDP, where there are no requests: only connections and sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from a3sgw.config.document import Path
from a3sgw.config.service import Service
from a3sgw.config.sticky import Sticky

Wrong = tuple[Path, str, str]
"""(where, what, help)."""


def unusable(name: str, services: Mapping[str, Service], protocol: str) -> Iterator[Wrong]:
    """What is wrong with this service, and all it leads to, for routers of `protocol`; unknown names do not matter."""
    for one, service in behind(name, services).items():
        base: Path = ("services", one)
        for key in ("mirror", "retries"):
            if getattr(service, key) is not None:
                yield (*base, key), f"{key} does not work on {protocol}: there are no requests", f"remove {key}"
        if service.weighted is not None:
            yield from _sticky((*base, "weighted"), service.weighted.sticky, protocol)
        if service.load_balancer is not None:
            yield from _sticky((*base, "load_balancer"), service.load_balancer.sticky, protocol)
            hash_on = service.load_balancer.hash_on
            if hash_on not in ("", "ip"):
                summary = f"hash_on = {hash_on!r} does not work on {protocol}: there are no requests"
                yield (*base, "load_balancer", "hash_on"), summary.replace("'", '"'), 'write hash_on = "ip"'


def behind(name: str, services: Mapping[str, Service]) -> dict[str, Service]:
    """This service and all it may lead to, mirrors aside; circles or not."""
    found: dict[str, Service] = {}
    left = [name]
    while left:
        one = left.pop()
        service = services.get(one)
        if service is None or one in found:
            continue
        found[one] = service
        left += [part.name for part in service.weighted.services] if service.weighted is not None else ()
        left += [service.failover.service] if service.failover is not None else ()
        breaker = service.circuit_breaker
        if breaker is not None and breaker.fallback is not None and breaker.fallback.service:
            left.append(breaker.fallback.service)
    return found


def _sticky(base: Path, options: Sticky | None, protocol: str) -> Iterator[Wrong]:
    if options is not None and options.mode != "ip":
        summary = f'sticky with mode "{options.mode}" does not work on {protocol}: there are no header fields'
        yield (*base, "sticky"), summary, 'write mode = "ip"'
