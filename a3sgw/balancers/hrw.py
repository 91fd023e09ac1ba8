"""The same endpoint for the same key, by highest random weight: no ring, exact shares.

Up to 32 endpoints each gives the key a score: one that goes moves only its own keys. More stand in a tree by the hash
of their address, eight branches a level, and the key chooses a branch by its share at each level: O(log n). There one
that goes moves its own keys and, at each level, as many again between the branches, because the share of its branch
is less: about 2/n of the keys up to 256 endpoints, 3/n up to 2,048.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from a3sgw.balancers.base import Balancer, EndpointType, Key, named
from a3sgw.balancers.rendezvous import Rendezvous, hashed
from a3sgw.http.message import Request

_FLAT = 32
"""Endpoints in one leaf of the tree, on average, at most."""
_BITS = 3
"""A level of the tree has 2**_BITS branches."""
_ROOT = 1
"""Branches are numbers: a 1, then the bits chosen so far."""


class HighestRandomWeight(Balancer[EndpointType]):
    """A rendezvous of endpoints at every leaf and of branches at every fork; a leaf is all there is for few."""

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self._levels = 0
        super().__init__(endpoints, key)

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(n). The tree grows a level with the most endpoints it has seen, and never loses one.

        A new level moves nearly every key. So it must not come and go with an endpoint's health, and whoever sees the
        whole of a configuration first has the same levels in every process.
        """
        while len(endpoints) > _FLAT << _BITS * self._levels:
            self._levels += 1
        bits = _BITS * self._levels
        leaves: dict[int, list[tuple[EndpointType, float, int]]] = defaultdict(list)
        for name, endpoint in named(endpoints):
            number = hashed(name)
            leaves[_ROOT << bits | number >> (64 - bits)].append((endpoint, endpoint.share, number))
        self._leaves = {leaf: Rendezvous(members) for leaf, members in leaves.items()}
        self._grow({leaf: sum(share for _, share, _ in members) for leaf, members in leaves.items()})

    def _grow(self, shares: dict[int, float]) -> None:
        """Put forks above the leaves, whose shares are given, until there is one."""
        self._forks: dict[int, Rendezvous[int]] = {}
        for _ in range(self._levels):
            above: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
            for branch in shares:
                above[branch >> _BITS].append((branch, shares[branch], hashed(b"branch %d" % branch)))
            self._forks.update({fork: Rendezvous(branches) for fork, branches in above.items()})
            shares = {fork: sum(share for _, share, _ in branches) for fork, branches in above.items()}

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n): at most 8 scores a level and about 32 at the leaf."""
        if not self._leaves:
            return None
        key = hashed(self.key(request))
        if tried:
            return self._untried(_ROOT, self._levels, key, tried)
        branch = _ROOT
        for _ in range(self._levels):
            branch = self._forks[branch].best(key)
        return self._leaves[branch].best(key)

    def _untried(self, branch: int, levels: int, key: int, tried: Collection[EndpointType]) -> EndpointType | None:
        if levels == 0:
            return next((endpoint for endpoint in self._leaves[branch].ranked(key) if endpoint not in tried), None)
        below = (self._untried(one, levels - 1, key, tried) for one in self._forks[branch].ranked(key))
        return next((endpoint for endpoint in below if endpoint is not None), None)


STRATEGY = HighestRandomWeight
