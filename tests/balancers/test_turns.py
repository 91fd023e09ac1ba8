"""In turn and by share, whatever the shares are just now."""

from __future__ import annotations

from collections import Counter

from a3sgw.balancers.turns import Turns, first_waits
from tests.balancers.fakes import One, counted, many, picks, some


def test_it_goes_on_after_an_update() -> None:
    """Whose turn it was is next, not the first; who comes back gets into the middle of the circle."""
    a, b, c = some(1, 1, 1)
    balancer = Turns((a, b, c))
    assert picks(balancer, 2) == "ab"
    balancer.update((a, b, c))
    assert picks(balancer, 2) == "ca"
    balancer.update((a, c))
    assert picks(balancer, 2) == "ca"
    balancer.update((a, b, c))
    assert picks(balancer, 6) == "cbacba"


def test_frequent_updates_starve_nobody() -> None:
    """With an update before every pick everyone still has the turns of a whole round, equal shares or not."""
    for shares in ((1,) * 7, (3, 2, 1, 1)):
        endpoints = some(*shares)
        balancer = Turns(endpoints)
        found: Counter[str] = Counter()
        for _ in range(sum(shares) * 10):
            balancer.update(endpoints)
            found[picks(balancer, 1)] += 1
        assert found == {one.url: one.share * 10 for one in endpoints}


def test_shares_may_change_while_it_runs() -> None:
    """A slow start: the share of one grows step by step, and it gets what it has just then."""
    endpoints = many(4)
    slow = endpoints[2]
    balancer = Turns(endpoints)
    for share in (0.1, 0.25, 0.5, 1.0):
        slow.share = share
        balancer.update(endpoints)
        rounds = 1000
        found = counted(balancer, round(rounds * (3 + share)))
        assert abs(found[slow.url] - rounds * share) <= 1
        assert all(abs(found[one.url] - rounds) <= 1 for one in endpoints if one is not slow)


def test_newcomers_of_one_share_are_spread() -> None:
    """Equal distances, in the order of the configuration."""
    a, b, c = One("a"), One("b", 2), One("c")
    assert first_waits([a, b, c]) == {a: 0.25, b: 0.5, c: 0.75}
