"""Whoever costs least, in a heap that is put right lazily."""

from __future__ import annotations

from random import Random

from a3sgw.balancers.lowest import Lowest
from a3sgw.http.message import Request
from tests.balancers.fakes import One, many, picks, some


class Busy(Lowest[One]):
    """The cost is what is running."""

    def cost(self, endpoint: One) -> float:
        """The number of exchanges running."""
        return endpoint.in_flight

    @property
    def entries(self) -> int:
        """Entries in the heap, garbage included."""
        return len(self._heap)


def test_the_heap_agrees_with_a_scan() -> None:
    """Whatever begins and ends, and whoever comes and goes, the cheapest is picked."""
    chance = Random(1)
    endpoints = many(20)
    usable = endpoints
    balancer = Busy(usable)
    running: list[One] = []
    for _ in range(20_000):
        found = balancer.pick(Request(), ())
        assert found is not None
        assert found.in_flight == min(one.in_flight for one in usable)
        found.in_flight += 1
        balancer.began(found)
        running.append(found)
        while len(running) > chance.randrange(200):
            over = running.pop(chance.randrange(len(running)))
            over.in_flight -= 1
            balancer.ended(over, None)
        if chance.random() < 0.01:
            usable = chance.sample(endpoints, 10)
            balancer.update(usable)
        assert balancer.entries <= 4 * len(usable) + 17


def test_the_heap_stays_small() -> None:
    """Many exchanges that end without a pick in between leave no garbage behind for long."""
    a, b = endpoints = some(1, 1)
    a.in_flight = 10_000
    balancer = Busy(endpoints)
    for _ in range(10_000):
        a.in_flight -= 1
        balancer.ended(a, None)
        assert balancer.entries <= 25
    b.in_flight = 1
    assert picks(balancer, 2) == "aa"


def test_newcomers_come_after_their_equals() -> None:
    """Those that stay keep their turn."""
    a, b, c = some(1, 1, 1)
    balancer = Busy((a, b))
    assert picks(balancer, 1) == "a"
    balancer.update((c, a, b))
    assert picks(balancer, 4) == "bacb"
