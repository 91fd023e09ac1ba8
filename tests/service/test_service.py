"""Letting go of a service."""

from __future__ import annotations

from a3sgw.config.service import Service as Options
from a3sgw.service.build import build_service
from a3sgw.sweeper import Sweeper
from tests.support.origin import Origin


async def test_pools_in_use_stay_open() -> None:
    """`close` closes idle connections, but not those of pools another service goes on using."""
    async with Origin() as gone, Origin() as kept:
        sweeper = Sweeper()
        both = Options.model_validate({"load_balancer": {"servers": [{"url": gone.url}, {"url": kept.url}]}})
        one = Options.model_validate({"load_balancer": {"servers": [{"url": kept.url}]}})
        first = build_service("s", both, sweeper, None, None)
        second = build_service("s", one, sweeper, first, None)
        for endpoint in first.endpoints:
            endpoint.pool.give(await endpoint.pool.connect(1.0), None)
        first.close({id(endpoint.pool) for endpoint in second.endpoints})
        assert await (await gone.accept()).end() == (b"", "FIN")
        idle = second.endpoints[0].pool.take()
        assert idle is not None
        idle.abort()
