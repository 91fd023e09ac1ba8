"""The same endpoint for the same key, on a ring of points; few keys move when endpoints come and go.

Karger et al., "Consistent Hashing and Random Trees" (1997), with the bounded loads of Mirrokni, Thorup and
Zadimoghaddam (2016): a key whose endpoint has more than its part of the exchanges running goes on to the next.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Sequence
from hashlib import blake2b
from itertools import chain
from math import log2
from struct import unpack
from typing import ClassVar

from a3sgw.balancers.base import Balancer, EndpointType, Key, named
from a3sgw.http.message import Request

_POINTS = 256
"""Points of a largest share that is a power of two, 0.7 to 1.4 times as many for others; parts of the ring differ by
about 1/sqrt(points), 6 %.
"""
_MOST_POINTS = 65_536
"""Points of a whole ring; sorting them is what an update costs. Above, everyone has fewer in the same ratio."""
_BOUND = 1.25
"""How much of its fair part of the exchanges running an endpoint takes before it is passed over."""


class ConsistentHash(Balancer[EndpointType]):
    """Endpoints have points on a ring by share; a key belongs to the first point after its own."""

    feedback: ClassVar[bool] = True

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self._points: dict[bytes, list[int]] = {}
        super().__init__(endpoints, key)

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(points × log points), 65,536 at most; points that were worked out before are kept."""
        self._owners: dict[int, EndpointType] = {}
        known, self._points = self._points, {}
        per_share = points_per_share([endpoint.share for endpoint in endpoints])
        for name, endpoint in named(endpoints):
            count = max(1, round(endpoint.share * per_share))
            points = known.get(name, [])
            self._points[name] = points = points if len(points) >= count else points_of(name, count)
            self._owners.update(dict.fromkeys(points[:count], endpoint))
        self._ring = sorted(self._owners)
        self._members = frozenset(endpoints)
        self._running = sum(endpoint.in_flight for endpoint in endpoints)
        self._bound = _BOUND / sum(endpoint.share for endpoint in endpoints) if endpoints else 0.0

    def began(self, endpoint: EndpointType) -> None:
        """Counted for the bound."""
        if endpoint in self._members:
            self._running += 1

    def ended(self, endpoint: EndpointType, seconds: float | None) -> None:
        """Counted for the bound."""
        if endpoint in self._members:
            self._running -= 1

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n), and a few steps on the ring when the first has its part already or was tried."""
        ring = self._ring
        if not ring:
            return None
        digest = blake2b(self.key(request), digest_size=8).digest()
        start = bisect(ring, int.from_bytes(digest, "little"))
        if start == len(ring):
            start = 0
        endpoint = self._owners[ring[start]]
        # in_flight + 1 > ceil(x) is in_flight >= x, for whole numbers of exchanges
        if not tried and endpoint.in_flight < self._bound * (self._running + 1) * endpoint.share:
            return endpoint
        return self._next(start, tried)

    def _next(self, start: int, tried: Collection[EndpointType]) -> EndpointType | None:
        """The first that may take one more; if all that are left have their part, the first of those."""
        bound = self._bound * (self._running + 1)
        left = len(self._members) - len(self._members.intersection(tried))
        passed: dict[EndpointType, None] = {}
        for place in chain(range(start, len(self._ring)), range(start)):
            if len(passed) == left:
                break
            endpoint = self._owners[self._ring[place]]
            if endpoint in passed or endpoint in tried:
                continue
            if endpoint.in_flight < bound * endpoint.share:
                return endpoint
            passed[endpoint] = None
        return next(iter(passed), None)


def points_per_share(shares: Sequence[float]) -> float:
    """How many points a share of 1 has.

    It goes by the largest share, rounded to a power of two, and so does not change when others come and go, which
    would move keys. Once the ring is full, with more than 180 endpoints, it changes a little: that moves 1/n more.
    """
    if not shares:
        return 0.0
    wanted: float = _POINTS / 2 ** round(log2(max(shares)))
    return min(wanted, _MOST_POINTS / sum(shares))


def points_of(name: bytes, count: int) -> list[int]:
    """At least `count` points on the ring (64 bits); asking for more gives the same ones first."""
    digests = (blake2b(b"%d %b" % (number, name)).digest() for number in range((count + 7) // 8))
    return list(chain.from_iterable(unpack("<8Q", digest) for digest in digests))


STRATEGY = ConsistentHash
