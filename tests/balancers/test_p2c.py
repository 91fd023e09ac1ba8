"""The better of two drawn by lot."""

from __future__ import annotations

from collections import Counter

import pytest

from a3sgw.balancers.p2c import STRATEGY, PowerOfTwoChoices
from a3sgw.balancers.random import Random
from a3sgw.http.message import Request
from tests.balancers.fakes import One, fixed_chance, many, picks, some


def most_held(balancer: PowerOfTwoChoices[One] | Random[One], endpoints: list[One]) -> int:
    """Exchanges on the busiest endpoint after 100,000 that do not end."""
    balancer.chance = fixed_chance("held")
    for one in endpoints:
        one.in_flight = 0
    for _ in range(100_000):
        endpoint = balancer.pick(Request(), ())
        assert endpoint is not None
        endpoint.in_flight += 1
    return max(one.in_flight for one in endpoints)


def test_the_busier_of_two_is_not_picked() -> None:
    """With two endpoints it is always the better one; equals by chance."""
    a, b = some(1, 1)
    balancer = PowerOfTwoChoices((a, b))
    a.in_flight = 1
    assert picks(balancer, 20) == "b" * 20
    b.in_flight = 1
    assert set(picks(balancer, 200)) == {"a", "b"}


def test_a_share_counts() -> None:
    """Three running on a share of 4 is less than one on a share of 1."""
    a, b = some(4, 1)
    a.in_flight, b.in_flight = 3, 1
    assert picks(PowerOfTwoChoices((a, b)), 20) == "a" * 20


def test_much_more_even_than_chance() -> None:
    """100 each on a thousand: nobody has more than 104, where chance alone gives somebody 125 or more."""
    endpoints = many(1000)
    assert most_held(PowerOfTwoChoices(endpoints), endpoints) <= 104
    assert most_held(Random(endpoints), endpoints) >= 125


def test_by_share() -> None:
    """What runs is by share, within 5 %."""
    endpoints = some(4, 2, 1, 1)
    most_held(PowerOfTwoChoices(endpoints), endpoints)
    assert [one.in_flight for one in endpoints] == pytest.approx([50_000, 25_000, 12_500, 12_500], rel=0.05)


def test_idle_ones_are_all_picked() -> None:
    """With nothing running it is by chance and share."""
    balancer = PowerOfTwoChoices(some(1, 1, 1))
    balancer.chance = fixed_chance("idle")
    found = Counter(picks(balancer, 100_000))
    assert max(found.values()) < 1.03 * min(found.values())


def test_strategy() -> None:
    """The file's class is the strategy of the file's name; `in_flight` is read when it is needed."""
    assert STRATEGY is PowerOfTwoChoices
    assert not STRATEGY.feedback
