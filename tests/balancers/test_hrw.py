"""The same endpoint for the same key, by highest random weight."""

from __future__ import annotations

from collections import Counter

import pytest

from a3sgw.balancers.hrw import STRATEGY, HighestRandomWeight
from tests.balancers.fakes import One, asked, chosen, many, moved, path

KEYS = 100_000


def test_the_same_key_the_same_endpoint() -> None:
    """In every process, whatever the order of the configuration and whatever is running."""
    endpoints = many(50)
    first = chosen(HighestRandomWeight(endpoints, path), 2000)
    for one in endpoints:
        one.in_flight = 1000
    assert chosen(HighestRandomWeight(endpoints[::-1], path), 2000) == first
    assert "".join(url[-6] for url in chosen(HighestRandomWeight(many(9), path), 12)) == "645536560337"


def test_keys_are_shared_equally() -> None:
    """Ten endpoints: the one with most keys has at most 3 % more than the mean."""
    found = Counter(chosen(HighestRandomWeight(many(10), path), KEYS))
    assert len(found) == 10
    assert max(found.values()) <= KEYS / 10 * 1.03


def test_keys_are_shared_by_share() -> None:
    """Shares 1 to 10, within 5 %; so in the tree, by groups of the same share."""
    endpoints = many(10)
    for number, one in enumerate(endpoints):
        one.share = float(number + 1)
    found = Counter(chosen(HighestRandomWeight(endpoints, path), KEYS))
    assert [found[one.url] * 55 / KEYS for one in endpoints] == pytest.approx(range(1, 11), rel=0.05)
    endpoints = many(1000)
    for one in endpoints[:500]:
        one.share = 3.0
    found = Counter(chosen(HighestRandomWeight(endpoints, path), KEYS))
    assert sum(found[one.url] for one in endpoints[:500]) == pytest.approx(KEYS * 0.75, rel=0.02)
    endpoints[0].share = 4000.0
    for one in endpoints[1:]:
        one.share = 4000 / 999
    found = Counter(chosen(HighestRandomWeight(endpoints, path), KEYS // 10))
    assert found[endpoints[0].url] == pytest.approx(KEYS / 20, rel=0.05)


@pytest.mark.parametrize("count", [2, 10, 32])
def test_few_move_only_what_they_have(count: int) -> None:
    """One that goes moves its own keys, one that comes takes what is its own; all back, all as before."""
    endpoints = many(count)
    balancer = HighestRandomWeight(endpoints, path)
    before = chosen(balancer, KEYS // 10)
    gone = endpoints[count // 2]
    balancer.update([one for one in endpoints if one is not gone])
    after = chosen(balancer, KEYS // 10)
    assert all(one == other or one == gone.url for one, other in zip(before, after, strict=True))
    assert gone.url in before
    assert gone.url not in after
    balancer.update(endpoints)
    assert chosen(balancer, KEYS // 10) == before


@pytest.mark.parametrize(("count", "most"), [(200, 3 / 200), (1000, 4 / 1000)])
def test_in_a_tree_little_more_moves(count: int, most: float) -> None:
    """One that goes or comes moves 1/n for each level and as many for itself; all back, all as before."""
    endpoints = many(count)
    balancer = HighestRandomWeight(endpoints, path)
    before = chosen(balancer, KEYS)
    balancer.update([*endpoints[:7], *endpoints[8:]])
    assert 0 < moved(before, chosen(balancer, KEYS)) <= most
    balancer.update([*endpoints, One("http://new:1")])
    assert 0 < moved(before, chosen(balancer, KEYS)) <= most
    balancer.update(endpoints)
    assert chosen(balancer, 1000) == before[:1000]


def test_health_does_not_change_the_tree() -> None:
    """40 endpoints have a tree; when ten are ill it stays, so that few keys move."""
    endpoints = many(40)
    balancer = HighestRandomWeight(endpoints, path)
    before = chosen(balancer, 10_000)
    balancer.update(endpoints[:30])
    assert moved(before, chosen(balancer, 10_000)) < 0.6


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_a_retry_goes_on_to_the_next(count: int) -> None:
    """For the same key always in the same order, until everyone has been tried."""
    endpoints = many(count)
    balancer = HighestRandomWeight(endpoints, path)
    tried: list[One] = []
    while (found := balancer.pick(asked(1), tried)) is not None:
        assert found not in tried
        tried.append(found)
        if len(tried) == 50:
            break
    assert len(tried) == min(count, 50)
    assert [balancer.pick(asked(1), tried[:number]) for number in range(5)] == tried[:5]


def test_strategy() -> None:
    """The file's class is the strategy of the file's name; it has no use for what begins and ends."""
    assert STRATEGY is HighestRandomWeight
    assert not STRATEGY.feedback
