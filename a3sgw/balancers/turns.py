"""In turn and by share, whatever the shares are just now: what round-robin and weighted have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from random import choices

from a3sgw.balancers.base import Balancer, EndpointType, Key
from a3sgw.balancers.circle import Circle
from a3sgw.balancers.smooth import Smooth
from a3sgw.http.message import Request


class Turns(Balancer[EndpointType]):
    """Equal shares go in a circle, others in a smooth order; after an update everyone waits as long as before."""

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self._order: Circle[EndpointType] | Smooth[EndpointType] = Circle(())
        super().__init__(endpoints, key)

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(n log n). Whoever was about to have a turn still is: frequent updates starve nobody."""
        self._endpoints = tuple(endpoints)
        known = self._order.waits()
        waits = first_waits(endpoint for endpoint in endpoints if endpoint not in known)
        waits.update((endpoint, known[endpoint]) for endpoint in endpoints if endpoint in known)
        if len({endpoint.share for endpoint in endpoints}) > 1:
            self._order = Smooth(tuple(endpoints), waits)
        else:
            self._order = Circle(sorted(endpoints, key=waits.__getitem__))
        self._turn = self._order.turn

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(1) while shares are equal, O(log n) otherwise.

        A request that has failed elsewhere goes to any other by lot, O(n). It takes nobody's turn: or with two
        endpoints each new request would meet the bad one first.
        """
        return self._by_lot(tried) if tried else self._turn()

    def _by_lot(self, tried: Collection[EndpointType]) -> EndpointType | None:
        left = [endpoint for endpoint in self._endpoints if endpoint not in tried]
        return choices(left, [endpoint.share for endpoint in left])[0] if left else None  # noqa: S311 -- spreads load


def first_waits(newcomers: Iterable[EndpointType]) -> dict[EndpointType, float]:
    """Waits at which endpoints of the same share come one after the other, at equal distances."""
    newcomers = tuple(newcomers)
    sizes = Counter(endpoint.share for endpoint in newcomers)
    places = Counter[float]()
    waits = {}
    for endpoint in newcomers:
        waits[endpoint] = (places[endpoint.share] + 0.5) / sizes[endpoint.share]
        places[endpoint.share] += 1
    return waits
