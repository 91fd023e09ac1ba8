"""Letting go of a service."""

from __future__ import annotations

from tests.service.test_build import built, servers
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
