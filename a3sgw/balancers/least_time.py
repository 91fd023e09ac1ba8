"""Whoever answers soonest, by what was seen so far and how much it has to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import cycle
from time import monotonic

from a3sgw.balancers.base import EndpointType, Key
from a3sgw.balancers.lowest import Lowest
from a3sgw.http.message import Request

_HALF_LIFE = 10.0
"""Seconds in which half of what is known of an endpoint that does not answer any more is forgotten."""
_NEWEST = 0.2
"""Part of an average that is the newest answer, at least; after a pause it is more."""
_MEAN_NEWEST = 0.05
_HOPE = 0.5
"""What is expected of an endpoint nobody has heard of (for a long time), as part of the mean of all answers. Below
1, so that it is asked again even when there is so little to do that the best one is always free.
"""
_SHORTEST = 1e-6
"""Seconds; no answer is worth nothing, or it would be asked whatever it has to do."""


class LeastTime(Lowest[EndpointType]):
    """The least time to the first byte (a moving average) × exchanges running, with one more, by share.

    What is known of an endpoint fades towards half the mean of all answers while it is not asked. An exchange that
    ends without an answer counts as one of twice the time expected, so that failing fast does not look like speed.
    """

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        self.clock: Callable[[], float] = monotonic
        """Seconds, never going back."""
        self._mean = 0.0
        """Of all answers, whoever gave them; 0 before the first."""
        self._known: dict[EndpointType, tuple[float, float]] = {}
        """(average in seconds, when it was worked out) of those that have answered."""
        self._expected: dict[EndpointType, float] = {}
        """`_known` as it has faded when last looked at; everyone is looked at in turn, one with each pick."""
        super().__init__(endpoints, key)

    def cost(self, endpoint: EndpointType) -> float:
        """Expected seconds until its answer to one more request."""
        return self._expected[endpoint] * (endpoint.in_flight + 1) / endpoint.share

    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """O(n). Averages of those that stay are kept."""
        self._known = {one: self._known[one] for one in endpoints if one in self._known}
        now = self.clock()
        self._expected = {one: self._faded(one, now) for one in endpoints}
        self._looked_at = cycle(endpoints)
        super().update(endpoints)

    def _faded(self, endpoint: EndpointType, now: float) -> float:
        hope = self._mean * _HOPE or 1.0
        average, since = self._known.get(endpoint, (hope, now))
        left: float = 0.5 ** ((now - since) / _HALF_LIFE)
        return hope + (average - hope) * left

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n) on average."""
        endpoint = next(self._looked_at, None)
        if endpoint is not None:
            self._expected[endpoint] = self._faded(endpoint, self.clock())
            self.settle(endpoint)
        return super().pick(request, tried)

    def ended(self, endpoint: EndpointType, seconds: float | None) -> None:
        """O(log n)."""
        if endpoint not in self._expected:
            return
        if seconds is not None:
            seconds = max(seconds, _SHORTEST)
            self._mean += (seconds - self._mean) * (_MEAN_NEWEST if self._mean else 1.0)
        if self._mean:
            self._learn(endpoint, seconds)
        self.settle(endpoint)

    def _learn(self, endpoint: EndpointType, seconds: float | None) -> None:
        now = self.clock()
        expected = self._faded(endpoint, now)
        latest = seconds if seconds is not None else 2 * max(expected, self._mean)
        part = 1.0
        if endpoint in self._known:
            part = max(_NEWEST, 1 - 0.5 ** ((now - self._known[endpoint][1]) / _HALF_LIFE))
        average = expected + (latest - expected) * part
        self._known[endpoint] = average, now
        self._expected[endpoint] = average


STRATEGY = LeastTime
