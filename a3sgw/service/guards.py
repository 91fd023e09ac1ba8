"""What stands in front of a service and may refuse a request: its circuit breaker, its limit of requests at once."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from time import monotonic

from a3sgw.config.circuit_breaker import Fallback
from a3sgw.control.messages import BreakerState, Pushed
from a3sgw.errors import Overloaded, UpstreamError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.machines.breaker import Breaker
from a3sgw.plan import Plan
from a3sgw.service.node import Before, Journey, Leaf, Node, merged
from a3sgw.service.places import Counts
from a3sgw.service.traits import Traits


class BreakerNode(Before):
    """Lets nothing through while it is open: the fallback answers, or 503 with the time to come back."""

    def __init__(
        self, name: str, inner: Node, breaker: Breaker, fallback: Fallback | Node | None, traits: Traits
    ) -> None:
        super().__init__(inner)
        self.name = name
        self.breaker = breaker
        behind = () if fallback is None or isinstance(fallback, Fallback) else fallback.leaves()
        self._leaves = merged(inner.leaves(), behind)
        self._fallback = fallback
        self._traits = traits
        breaker.changed = self._changed

    def _changed(self, state: str) -> None:
        self._traits.count(f"breaker_{state.replace('-', '_')}")
        self._traits.report(BreakerState(self.name, "", state))  # type: ignore[arg-type]

    def take(self, message: Pushed) -> None:
        """Another process says how its breaker is; about this service as a whole, not about an endpoint."""
        if isinstance(message, BreakerState) and not message.url:
            self.breaker.adopt(monotonic(), message.state)

    @property
    def usable(self) -> bool:
        """Open is as good as gone."""
        return self.inner.usable and self.breaker.retry_after(monotonic()) <= 0.0

    @property
    def keeps_clients(self) -> bool:
        """The same for those who are there."""
        return self.inner.keeps_clients and self.breaker.retry_after(monotonic()) <= 0.0

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """Through, unless it is open."""
        if self not in journey.holds:
            now = monotonic()
            token = self.breaker.admit(now)
            if not token:
                return self._instead(journey, self.breaker.retry_after(now))
            journey.holds[self] = token
        return self.inner.resolve(journey)

    def _instead(self, journey: Journey, seconds: float) -> Leaf | Response | UpstreamError:
        self._traits.count("breaker_refused")
        fallback = self._fallback
        if fallback is None:
            return Overloaded("the circuit breaker of the service is open", ceil(seconds) or 1)
        if not isinstance(fallback, Fallback):
            return fallback.resolve(journey)
        headers = Headers()
        if fallback.body:
            headers.set(b"Content-Type", fallback.content_type.encode())
        return Response(fallback.status, headers, fallback.body.encode())

    def settle(self, token: int, failed: bool | None, seconds: float) -> None:
        """A failure is what the client would see as one."""
        if failed is None:
            self.breaker.forget(token)
        else:
            self.breaker.outcome(token, monotonic(), failed, seconds)

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Those behind it, and those of the fallback."""
        return self._leaves


class LimitNode(Before):
    """So many requests at once, from all processes together; less while endpoints are out, for less important ones.

    That it is full is no reason to ask somebody else for good: it stays usable.
    """

    def __init__(
        self,
        name: str,
        inner: Node,
        limit: int,
        shares: tuple[float, float, float] | None,
        table: Counts,
        traits: Traits,
    ) -> None:
        """`shares` of the room, for requests of low, normal and high importance, while some endpoints are out."""
        super().__init__(inner)
        self._limit = limit
        self._shares = shares
        self._key = b"in-flight\0%b" % name.encode()
        self._table = table
        self._traits = traits
        self._services = [service for service, _ in inner.leaves()]

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """Through, if there is room."""
        if self not in journey.holds:
            limit = self._limit
            left = min((service.left for service in self._services), default=1.0) if self._shares is not None else 1.0
            if self._shares is not None and left < 1.0:
                limit = max(1, int(limit * left * self._shares[journey.importance]))
            if not self._table.acquire(self._key, limit):
                self._traits.count("shed" if limit < self._limit else "in_flight_refused")
                return Overloaded("too many requests at once for the service", 1)
            journey.holds[self] = 1
        return self.inner.resolve(journey)

    def settle(self, token: int, failed: bool | None, seconds: float) -> None:
        """One less."""
        self._table.release(self._key)
