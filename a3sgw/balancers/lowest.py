"""Whoever costs least, found in a heap that is put right lazily: what least-connections and least-time share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import ClassVar

from a3sgw.balancers.base import Balancer, EndpointType, Key
from a3sgw.http.message import Request


class Lowest(Balancer[EndpointType]):
    """Every endpoint has one valid entry (cost, turn of its last pick, endpoint) in the heap.

    The cost in it is never above the true one: a cost that rises is noticed when the entry comes to the top, one that
    falls is told by `settle`, which leaves the old entry behind as garbage. So an exchange costs a few heap operations
    of O(log n), and nothing at all when it ends where it began.
    """

    feedback: ClassVar[bool] = True

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self._turns = count()
        self._valid: dict[EndpointType, tuple[float, int, EndpointType]] = {}
        self._heap: list[tuple[float, int, EndpointType]] = []
        super().__init__(endpoints, key)

    @abstractmethod
    def cost(self, endpoint: EndpointType) -> float:
        """What it costs to ask `endpoint` now; changes only through `in_flight`, or is told by `settle`."""

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(n). Among equals, those that stay keep their turn and newcomers come after them."""
        valid = self._valid
        turns = {one: valid[one][1] if one in valid else next(self._turns) for one in endpoints}
        self._valid = {one: (self.cost(one), turn, one) for one, turn in turns.items()}
        self._tidy()

    def _tidy(self) -> None:
        self._heap = list(self._valid.values())
        heapify(self._heap)

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n) on average, one more for each one tried; equals in turn."""
        heap, valid = self._heap, self._valid
        aside = []
        found = None
        while heap:
            entry = heap[0]
            least, turn, endpoint = entry
            if valid.get(endpoint) is not entry:
                heappop(heap)
            elif (cost := self.cost(endpoint)) > least:
                valid[endpoint] = entry = (cost, turn, endpoint)
                heapreplace(heap, entry)
            elif tried and endpoint in tried:
                aside.append(heappop(heap))
            else:
                valid[endpoint] = entry = (cost, next(self._turns), endpoint)
                heapreplace(heap, entry)
                found = endpoint
                break
        for entry in aside:
            heappush(heap, entry)
        return found

    def ended(self, endpoint: EndpointType, seconds: float | None) -> None:
        """One exchange less makes it cheaper. O(log n)."""
        self.settle(endpoint)

    def settle(self, endpoint: EndpointType) -> None:
        """The cost of `endpoint` may have fallen; one that is not in the balance any more is ignored."""
        entry = self._valid.get(endpoint)
        if entry is None or (cost := self.cost(endpoint)) >= entry[0]:
            return
        self._valid[endpoint] = entry = (cost, entry[1], endpoint)
        heappush(self._heap, entry)
        if len(self._heap) > 4 * len(self._valid) + 16:  # mostly garbage: clearing it costs less than keeping it
            self._tidy()
