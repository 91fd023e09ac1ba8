"""Letting go of a service."""

from __future__ import annotations

from collections.abc import Sequence

from a3sgw.control.messages import EndpointHealth
from a3sgw.http.message import Request
from a3sgw.upstream.endpoint import Endpoint
from tests.service.test_build import built, servers
from tests.support.live import until
from tests.support.origin import Origin


async def test_pools_in_use_stay_open() -> None:
    """`close` closes idle connections, but not those of pools another service goes on using."""
    async with Origin() as gone, Origin() as kept:
        first = built(servers=servers(gone.url, kept.url))
        second = built(first, servers=servers(kept.url))
        for endpoint in first.endpoints:
            endpoint.pool.give(await endpoint.pool.connect(1.0), None)
        first.close({id(endpoint.pool) for endpoint in second.endpoints})
        assert await (await gone.accept()).end() == (b"", "FIN")
        idle = second.endpoints[0].pool.take()
        assert idle is not None
        idle.abort()


async def test_many_changes_at_once() -> None:
    """In an outage of many endpoints the balancer is told once, and soon."""
    urls = [f"http://127.0.0.1:{port}" for port in range(1, 1001)]
    service = built(servers=servers(*urls))
    told: list[int] = []
    update = service.balancer.update

    def counted(endpoints: Sequence[Endpoint]) -> None:
        told.append(len(endpoints))
        update(endpoints)

    service.balancer.update = counted  # type: ignore[method-assign]
    for url in urls[:600]:
        service.take(EndpointHealth("s", url, "unhealthy"))
    await until(lambda: told, "the balancer is told")
    assert told == [400]
    assert {service.pick(Request(), ()) for _ in range(400)} == set(service.endpoints[600:])
    service.close(set())
