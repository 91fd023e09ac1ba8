"""One sweep closes what is overdue; deadlines are plain numbers."""

from __future__ import annotations

import asyncio

import pytest

from a3sgw.sweeper import NEVER, TICK, Sweeper
from tests.support.live import until


class Watched:
    """Counts how often it was overdue; `again` is the deadline it then sets."""

    def __init__(self, deadline: float, again: float = NEVER) -> None:
        self.deadline = deadline
        self.again = again
        self.called = 0

    def overdue(self) -> None:
        """As a connection does."""
        self.called += 1
        self.deadline = self.again


async def test_what_is_overdue_is_called_once() -> None:
    """Those with a later deadline, or none, are left alone."""
    sweeper = Sweeper()
    sweeper.start()
    soon, late, never = Watched(sweeper.now + 0.01), Watched(sweeper.now + 60), Watched(NEVER)
    for one in (soon, late, never):
        sweeper.watch(one)
    await until(lambda: soon.called, "it is overdue")
    assert (soon.called, late.called, never.called) == (1, 0, 0)
    sweeper.stop()


async def test_a_timeout_fires_between_its_value_and_two_ticks_later() -> None:
    """Never early, although `now` may be a tick old when a deadline is set."""
    sweeper = Sweeper()
    sweeper.start()
    loop = asyncio.get_running_loop()
    while loop.time() < sweeper.now + TICK * 0.9:  # until the sweeper's clock is nearly a tick behind
        pass
    began = loop.time()
    one = Watched(sweeper.now + 0.2)
    sweeper.watch(one)
    await until(lambda: one.called, "it is overdue")
    assert 0.2 <= loop.time() - began < 0.2 + 2 * TICK + 0.1
    sweeper.stop()


async def test_a_new_deadline_counts() -> None:
    """A connection that is overdue may stay and be overdue again."""
    sweeper = Sweeper()
    sweeper.start()
    one = Watched(0, again=0)
    sweeper.watch(one)
    await until(lambda: one.called >= 2, "it is overdue twice")
    sweeper.stop()


async def test_the_forgotten_are_not_called() -> None:
    """Forgetting may happen during a sweep, and twice."""
    sweeper = Sweeper()
    other = Watched(0)

    class Forgets(Watched):
        def overdue(self) -> None:
            super().overdue()
            sweeper.forget(self)
            sweeper.forget(self)

    one = Forgets(0, again=0)
    sweeper.watch(one)
    sweeper.watch(other)
    sweeper.start()
    sweeper.stop()
    sweeper.start()
    assert (one.called, other.called) == (1, 1)
    sweeper.stop()


async def test_starting_and_stopping_twice() -> None:
    """Changes nothing the second time; `now` is the loop's time from the start on."""
    sweeper = Sweeper()
    sweeper.start()
    now = sweeper.now
    assert now == pytest.approx(asyncio.get_running_loop().time(), abs=0.5)
    sweeper.start()
    assert sweeper.now == now
    sweeper.stop()
    sweeper.stop()
