"""The same order again and again: everyone has an equal share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, repeat
from typing import Generic

from a3sgw.balancers.base import EndpointType


class Circle(Generic[EndpointType]):
    """Endless turns; `turn` is C code from end to end, it is what a plain round robin costs."""

    def __init__(self, endpoints: Sequence[EndpointType]) -> None:
        self._count = len(endpoints)
        turns: Iterator[EndpointType | None] = cycle(endpoints) if endpoints else repeat(None)
        self.turn: Callable[[], EndpointType | None] = turns.__next__
        """Whose turn it is; None when there is nobody."""

    def waits(self) -> dict[EndpointType, float]:
        """How far each is from its turn, as a part (0 to 1) of the time between two of its turns."""
        order = [self.turn() for _ in range(self._count)]
        return {one: (place + 0.5) / self._count for place, one in enumerate(order) if one is not None}
