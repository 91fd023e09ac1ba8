"""Kept connections of one address; see tests/e2e/test_connections.py for the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from a3sgw.errors import ConnectError, ConnectTimeout
from a3sgw.plan import NO_LIMIT
from a3sgw.sweeper import Sweeper
from a3sgw.upstream.pool import Address, Pool
from tests.support.origin import Origin


@pytest.fixture
async def sweeper() -> AsyncIterator[Sweeper]:
    """A running sweeper."""
    made = Sweeper()
    made.start()
    yield made
    made.stop()


def pool_of(origin: Origin, sweeper: Sweeper, limit: int = 256, idle_timeout: float = 60.0) -> Pool:
    """A pool for this origin."""
    return Pool(Address("127.0.0.1", origin.port), sweeper, limit=limit, idle_timeout=idle_timeout)


async def test_the_one_used_last_is_taken_first(sweeper: Sweeper) -> None:
    """So that the rest can grow old and go."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper)
        assert pool.take() is None
        first, second = await pool.connect(1.0), await pool.connect(NO_LIMIT)
        pool.give(first, None)
        pool.give(second, None)
        assert (pool.take(), pool.take(), pool.take()) == (second, first, None)
        first.abort()
        second.abort()


async def test_the_limit(sweeper: Sweeper) -> None:
    """One too many is closed."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper, limit=1)
        first, second = await pool.connect(1.0), await pool.connect(1.0)
        accepted = [await origin.accept(), await origin.accept()]
        pool.give(first, None)
        pool.give(second, None)
        assert await accepted[1].end() == (b"", "FIN")
        assert pool.take() is first
        first.abort()


@pytest.mark.parametrize(("hint", "kept"), [(None, True), (0, False), (1, False), (2, True), (600, True)])
async def test_the_hint_of_an_endpoint(sweeper: Sweeper, hint: int | None, kept: bool) -> None:
    """A connection it keeps for less than two seconds is not worth the risk; otherwise we go one second earlier."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper)
        one = await pool.connect(1.0)
        pool.give(one, hint)
        assert (pool.take() is one) == kept
        if kept:
            assert one.deadline <= sweeper.now + (60.0 if hint is None else hint - 1)
            one.abort()


async def test_an_idle_connection_that_closes_leaves(sweeper: Sweeper) -> None:
    """Nobody is ever given a connection that is known to be closed."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper)
        pool.give(await pool.connect(1.0), None)
        (await origin.accept()).close()
        async with asyncio.timeout(5):
            while repr(pool) != f"<Pool [127.0.0.1:{origin.port}, 0 idle]>":
                await asyncio.sleep(0.005)
        assert pool.take() is None


async def test_a_closed_pool_keeps_nothing(sweeper: Sweeper) -> None:
    """Idle connections go now, busy ones when they come back."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper)
        idle, busy = await pool.connect(1.0), await pool.connect(1.0)
        accepted = [await origin.accept(), await origin.accept()]
        pool.give(idle, None)
        pool.close()
        assert await accepted[0].end() == (b"", "FIN")
        pool.give(busy, None)
        assert await accepted[1].end() == (b"", "FIN")
        assert pool.take() is None


async def test_errors_are_ours(sweeper: Sweeper) -> None:
    """What the system says becomes ConnectError or ConnectTimeout with the address in it."""
    async with Origin() as origin:
        origin.refuse()
        with pytest.raises(ConnectError, match=f"127.0.0.1:{origin.port}"):
            await pool_of(origin, sweeper).connect(1.0)
    with pytest.raises(ConnectError, match="unix:/nowhere"):
        await Pool(Address(path="/nowhere"), sweeper).connect(1.0)
    with pytest.raises(ConnectError):
        await Pool(Address("a" * 300, 80), sweeper).connect(1.0)
    with pytest.raises(ConnectTimeout):
        await Pool(Address("127.0.0.1", 9), sweeper).connect(0.0)


def test_addresses() -> None:
    """As operators write them."""
    assert [str(Address("::1", 80)), str(Address("a", 1)), str(Address(path="/x"))] == ["[::1]:80", "a:1", "unix:/x"]


class Plain(asyncio.Protocol):
    """Nothing that this package knows."""


async def test_a_connection_for_another_protocol(sweeper: Sweeper) -> None:
    """Made with the pool's address and its errors, and never kept."""
    async with Origin() as origin:
        pool = pool_of(origin, sweeper)
        transport, protocol = await pool.dial(Plain, 1.0)
        assert isinstance(protocol, Plain)
        transport.write(b"220 ready")
        there = await origin.accept()
        transport.close()
        assert await there.end() == (b"220 ready", "FIN")
        assert pool.take() is None
    with pytest.raises(ConnectError, match="cannot connect to"):
        await pool.dial(Plain, 1.0)
