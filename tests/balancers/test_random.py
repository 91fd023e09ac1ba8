"""Anyone, by chance and share."""

from __future__ import annotations

import pytest

from a3sgw.balancers.random import STRATEGY, Random
from tests.balancers.fakes import counted, fixed_chance, many, picks, some


@pytest.mark.parametrize("shares", [(1.0, 1.0, 1.0, 1.0), (7.0, 2.0, 0.5, 0.5)])
def test_by_share(shares: tuple[float, ...]) -> None:
    """100,000 picks are within 5 % of the shares."""
    balancer = Random(endpoints := some(*shares))
    balancer.chance = fixed_chance("random")
    found = counted(balancer, 100_000)
    assert [found[one.url] / 100_000 for one in endpoints] == pytest.approx(
        [share / sum(shares) for share in shares], rel=0.05
    )


def test_a_thousand() -> None:
    """Everyone of a thousand is picked, none much more often than others."""
    balancer = Random(many(1000))
    balancer.chance = fixed_chance("thousand")
    found = counted(balancer, 100_000)
    assert len(found) == 1000
    assert max(found.values()) < 150


def test_a_retry_is_by_share_too() -> None:
    """Among those that are left."""
    a, b, c = some(1, 1, 3)
    balancer = Random((a, b, c))
    balancer.chance = lambda: 0.3
    assert picks(balancer, 1) == "b"
    assert picks(balancer, 1, (a,)) == "c"


def test_strategy() -> None:
    """The file's class is the strategy of the file's name; it has no use for what begins and ends."""
    assert STRATEGY is Random
    assert not STRATEGY.feedback
