"""The same endpoint for the same key, on a ring of points."""

from __future__ import annotations

from collections import Counter
from math import ceil

import pytest

from a3sgw.balancers.consistent_hash import STRATEGY, ConsistentHash, points_of, points_per_share
from tests.balancers.fakes import One, asked, chosen, many, moved, path

KEYS = 100_000


def held(balancer: ConsistentHash[One], keys: list[int]) -> None:
    """Pick for each of these keys, and let all of them run on."""
    for number in keys:
        endpoint = balancer.pick(asked(number), ())
        assert endpoint is not None
        endpoint.in_flight += 1
        balancer.began(endpoint)


def test_the_same_key_the_same_endpoint() -> None:
    """In every process, whatever the order of the configuration."""
    first = chosen(ConsistentHash(many(50), path), 2000)
    assert chosen(ConsistentHash(many(50)[::-1], path), 2000) == first
    assert "".join(url[-6] for url in chosen(ConsistentHash(many(9), path), 12)) == "644320422112"


def test_points() -> None:
    """Asking for more gives the same ones first, so a share that changes moves few keys."""
    assert points_of(b"a", 3)[:2] == points_of(b"a", 300)[:2] == [11898491414148958547, 2548383908961538243]
    assert len(points_of(b"a", 300)) >= 300


@pytest.mark.parametrize("port", [80, 8080, 9000])
def test_keys_are_shared_evenly(port: int) -> None:
    """Ten endpoints: the one with most keys has at most a quarter more than the mean."""
    endpoints = [One(f"http://10.0.0.{number}:{port}") for number in range(10)]
    found = Counter(chosen(ConsistentHash(endpoints, path), KEYS))
    assert len(found) == 10
    assert max(found.values()) <= KEYS / 10 * 1.25


def test_keys_are_shared_by_share() -> None:
    """Shares 1 to 10, within a quarter."""
    endpoints = many(10)
    for number, one in enumerate(endpoints):
        one.share = float(number + 1)
    found = Counter(chosen(ConsistentHash(endpoints, path), KEYS))
    assert [found[one.url] * 55 / KEYS for one in endpoints] == pytest.approx(range(1, 11), rel=0.25)


@pytest.mark.parametrize("count", [2, 3, 10, 33, 180, 190, 1000])
def test_few_keys_move(count: int) -> None:
    """One that goes or comes moves at most 1/n + 5 % of the keys; all back, all as before."""
    endpoints = many(count)
    balancer = ConsistentHash(endpoints, path)
    before = chosen(balancer, KEYS // 4)
    for gone in (0, count // 2):
        balancer.update([*endpoints[:gone], *endpoints[gone + 1 :]])
        after = chosen(balancer, KEYS // 4)
        assert moved(before, after) <= 1 / count + 0.05
        assert endpoints[gone].url not in after
    balancer.update([*endpoints, One("http://new:1")])
    assert moved(before, chosen(balancer, KEYS // 4)) <= 1 / (count + 1) + 0.05
    balancer.update(endpoints)
    assert chosen(balancer, 1000) == before[:1000]


def test_one_that_goes_moves_only_its_keys() -> None:
    """Below a full ring nobody else's, also with different shares."""
    endpoints = many(10)
    endpoints[3].share = 4.0
    balancer = ConsistentHash(endpoints, path)
    before = chosen(balancer, 10_000)
    gone = endpoints[5]
    balancer.update([one for one in endpoints if one is not gone])
    after = chosen(balancer, 10_000)
    assert all(one in (other, gone.url) for one, other in zip(before, after, strict=True))


def test_a_slow_start_takes_keys_step_by_step() -> None:
    """A share that grows takes keys from others and gives none away."""
    endpoints = many(10)
    slow = endpoints[0]
    balancer = ConsistentHash(endpoints, path)
    slow.share = 0.1
    balancer.update(endpoints)
    before = chosen(balancer, 10_000)
    for share in (0.3, 0.7, 1.0):
        slow.share = share
        balancer.update(endpoints)
        after = chosen(balancer, 10_000)
        assert all(one == other or other == slow.url for one, other in zip(before, after, strict=True))
        assert after.count(slow.url) > before.count(slow.url)
        before = after


def test_nobody_has_much_more_than_its_part() -> None:
    """1,000 of one key, then 9,000 of others, over ten endpoints: nobody holds more than a quarter above its part."""
    endpoints = many(10)
    endpoints[0].share = 3.0
    balancer = ConsistentHash(endpoints, path)
    for keys in ([1] * 1000, list(range(9000))):
        held(balancer, keys)
        total = sum(one.in_flight for one in endpoints)
        assert all(one.in_flight <= ceil(1.25 * total * one.share / 12) for one in endpoints)


def test_what_has_ended_counts_no_more() -> None:
    """When the crowd is gone, keys are where they were."""
    endpoints = many(10)
    balancer = ConsistentHash(endpoints, path)
    before = chosen(balancer, 1000)
    held(balancer, [1] * 100)
    assert chosen(balancer, 1000) != before
    for one in endpoints:
        while one.in_flight:
            one.in_flight -= 1
            balancer.ended(one, None)
    assert chosen(balancer, 1000) == before
    held(balancer, [1] * 10)
    assert max(one.in_flight for one in endpoints) == 2


def test_those_no_longer_there_are_not_counted() -> None:
    """An exchange may end on an endpoint that has left the balance meanwhile, or begin on one that drains."""
    a, b, c = many(3)
    balancer = ConsistentHash((a, b, c), path)
    a.in_flight = 500
    balancer.update((b, c))
    balancer.began(a)
    balancer.ended(a, None)
    held(balancer, [1] * 8)
    assert sorted((b.in_flight, c.in_flight)) == [3, 5]


def test_a_retry_goes_on_along_the_ring() -> None:
    """For the same key always in the same order; one that has its part is better than none."""
    endpoints = many(20)
    balancer = ConsistentHash(endpoints, path)
    tried: list[One] = []
    while (found := balancer.pick(asked(1), tried)) is not None:
        assert found not in tried
        tried.append(found)
    assert len(tried) == 20
    assert [balancer.pick(asked(1), tried[:number]) for number in range(5)] == tried[:5]
    tried[-1].in_flight = 100
    balancer.update(endpoints)
    assert balancer.pick(asked(1), tried[:-1]) is tried[-1]


@pytest.mark.parametrize(
    ("shares", "points"),
    [((1.0,) * 10, 256), ((1.0, 0.1), 256), ((100.0, 50.0), 2), ((1.0,) * 256, 256), ((1.0,) * 512, 128), ((), 0)],
)
def test_points_per_share(shares: tuple[float, ...], points: float) -> None:
    """By the largest share, and fewer when the ring is full."""
    assert points_per_share(shares) == points


def test_strategy() -> None:
    """The file's class is the strategy of the file's name, and wants to know what begins and ends."""
    assert STRATEGY is ConsistentHash
    assert STRATEGY.feedback
