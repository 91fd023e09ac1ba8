"""A named group of endpoints behind a balancer, which sees only those that can be used right now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import ceil
from time import monotonic

from a3sgw.balancers.base import Balancer
from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    Pushed,
)
from a3sgw.errors import NoEndpoint, UpstreamError
from a3sgw.http.message import Request, Response
from a3sgw.machines.slow_start import factor, next_step
from a3sgw.plan import Plan
from a3sgw.service.endpoints import Endpoints, Resolved
from a3sgw.service.node import Journey, Leaf
from a3sgw.service.traits import Traits
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.pool import Pool

_FEW = 64
"""Endpoints for which telling the balancer of every change costs nothing worth mentioning."""
_SOON = 0.02
_PART = 0.05
"""The part of the time that may go into telling the balancer, which for some takes 20 ms."""
Pick = Callable[[Request, Collection[Endpoint]], Endpoint | None]


class Service:
    """What a route forwards to. Compared by identity: a reload that changes nothing about it keeps it.

    What is known of endpoints changes rarely, so the balancer is told then, and picking looks at nothing but the
    balance. It gets the endpoints that are well; where there are none the degraded ones; where there are none either
    those that were only ejected, because asking somebody beats asking nobody.
    """

    __slots__ = (
        "_by_url",
        "_cost",
        "_maker",
        "_resolved",
        "_timer",
        "balancer",
        "endpoints",
        "left",
        "made_of",
        "name",
        "pick",
        "plan",
        "spare",
        "traits",
        "usable",
        "users",
        "version",
    )

    def __init__(
        self,
        name: str,
        maker: Endpoints,
        balancer: Balancer[Endpoint],
        plan: Plan,
        traits: Traits | None = None,
        made_of: object = None,
        resolved: Resolved | None = None,
        pools: Mapping[object, Pool] | None = None,
        known: Collection[str] | None = None,
    ) -> None:
        """`pools` are used by endpoints that are the same; those whose URL is not in `known` are new, where that is
        given, and start slowly."""
        self.name = name
        self.balancer = balancer
        self.plan = plan
        self.traits = traits or Traits()
        self.made_of = made_of
        """What a reload compares to know whether anything has changed."""
        self.pick: Pick = balancer.pick
        """The endpoint to ask, given those tried already; None when there is nobody left to ask."""
        self.usable = False
        """Whether there is anybody to ask."""
        self.spare: Sequence[Endpoint] = ()
        """Degraded endpoints, for when all that are well have been tried."""
        self.users = 0
        """Requests that wait or run, of those that are looked after."""
        self.left = 1.0
        """Share of the endpoints that are well."""
        self.version = 0
        """Another one whenever something about its endpoints may have changed."""
        self._cost = 0.0
        self._maker = maker
        self._resolved = dict(resolved or {})
        self._timer: asyncio.TimerHandle | None = None
        self.endpoints: tuple[Endpoint, ...] = ()
        self._by_url: dict[str, Endpoint] = {}
        self._make_endpoints(pools or {}, known)

    def _make_endpoints(self, pools: Mapping[object, Pool], known: Collection[str] | None) -> None:
        now = monotonic()
        old = {endpoint.url: endpoint for endpoint in self.endpoints}
        self.endpoints = tuple(self._maker.make(self._resolved, old, pools))
        self._by_url = {endpoint.url: endpoint for endpoint in self.endpoints}
        for endpoint in self.endpoints:
            if endpoint.url in old:
                del old[endpoint.url]
                continue
            if known is not None and endpoint.url not in known:
                endpoint.since = now
            if endpoint.breaker is not None:
                endpoint.breaker.changed = _Changed(self, endpoint)
        for endpoint in old.values():
            endpoint.pool.close()
        if self.traits.sticky is not None:
            self.traits.sticky.members = self.endpoints
        # First all of them: rendezvous hashing goes by how many there ever were, in every process alike
        self.balancer.update([endpoint for endpoint in self.endpoints if endpoint.share > 0])
        self.refresh()

    def __repr__(self) -> str:
        return f"<Service [{self.name}, {len(self.endpoints)} endpoints]>"

    # As a node...

    @property
    def keeps_clients(self) -> bool:
        """Whether one of its endpoints does."""
        now = monotonic()
        return self.usable or any(endpoint.keeps_clients(now) for endpoint in self.endpoints)

    @property
    def keeps(self) -> int:
        """Nothing but what its retries need."""
        return self.plan.retries.max_body_bytes if self.plan.retries is not None else 0

    @property
    def copies(self) -> int:
        """None."""
        return 0

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """Itself, unless it has failed for this request; endpoints that drain still have the clients they had."""
        if self in journey.avoid or not (self.usable or self.traits.sticky):
            return self.nobody()
        return self

    def nobody(self) -> NoEndpoint:
        """Why there is nobody left to ask, and when there may be."""
        now = monotonic()
        closed_for = [one.breaker.retry_after(now) for one in self.endpoints if one.breaker is not None]
        reasons: dict[str, int] = {}
        for endpoint in self.endpoints:
            reason = endpoint.out_because(now)
            reasons[reason] = reasons.get(reason, 0) + 1
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        reason = f"no endpoint can be used: {told or 'there is none'}"
        return NoEndpoint(reason, ceil(min((one for one in closed_for if one > 0.0), default=0.0)))

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Itself."""
        return ((self, self.plan),)

    @property
    def is_plain(self) -> bool:
        """Whether a balancer and a pool are all there is to it."""
        plain = not self.traits.careful and not self.balancer.feedback
        return plain and self.plan.is_plain

    @property
    def is_needed(self) -> bool:
        """Whether requests are at its endpoints, or on their way there."""
        return self.users > 0 or bool(self.in_flight)

    @property
    def in_flight(self) -> dict[str, int]:
        """Requests at each endpoint now, by URL, without those where there are none."""
        return {endpoint.url: endpoint.in_flight for endpoint in self.endpoints if endpoint.in_flight}

    # What is known of endpoints...

    def take(self, message: Pushed) -> None:
        """The control plane, or another process, says something of one of the endpoints, or what a name stands for."""
        if isinstance(message, Addresses):
            self._resolved[message.server] = message.addresses
            known = {endpoint.url for endpoint in self.endpoints}
            self._make_endpoints({}, known or None)
            return
        endpoint = self._by_url.get(getattr(message, "url", ""))
        if endpoint is not None:
            self._learn(endpoint, message)
            self._changed()

    def learn(self, messages: Iterable[Pushed]) -> None:
        """All that is known already, at once."""
        for message in messages:
            endpoint = self._by_url.get(getattr(message, "url", ""))
            if endpoint is not None:
                self._learn(endpoint, message)
        self.refresh()

    def _changed(self) -> None:
        """Tell the balancer; of many endpoints soon, because in an outage they change one after the other."""
        if len(self.endpoints) <= _FEW:
            self.refresh()
        else:
            soon = max(_SOON, self._cost / _PART)
            if self._timer is None or self._timer.when() > asyncio.get_running_loop().time() + soon:
                self._look_again(soon)

    def _learn(self, endpoint: Endpoint, message: Pushed) -> None:
        now = monotonic()
        match message:
            case EndpointHealth():
                if endpoint.health == "unhealthy" and message.state != "unhealthy":
                    endpoint.since = now
                endpoint.health = message.state
            case EndpointWeight():
                endpoint.weight = message.weight if message.weight >= 0 else endpoint.configured
            case EndpointDrain():
                if endpoint.draining and not message.draining:
                    endpoint.since = now
                endpoint.draining, endpoint.draining_until = message.draining, message.until
            case Ejection() if message.until <= now or self._may_eject(endpoint, now):
                _eject(endpoint, message.until, now)
            case BreakerState() if endpoint.breaker is not None:
                endpoint.breaker.adopt(now, message.state)
            case _:
                pass

    def _may_eject(self, endpoint: Endpoint, now: float) -> bool:
        ejected = sum(one.ejected_until > now for one in self.endpoints if one is not endpoint)
        return self.traits.may_eject(len(self.endpoints), ejected)

    def eject(self, endpoint: Endpoint, seconds: float, now: float) -> None:
        """Leave an endpoint out for a while, unless too many are, and tell the other processes."""
        if self._may_eject(endpoint, now):
            _eject(endpoint, now + seconds, now)
            self.traits.count("ejections")
            self.traits.report(Ejection(self.name, endpoint.url, endpoint.ejected_until))
            self._changed()

    def refresh(self) -> None:
        """Tell the balancer who can be used; O(n), so not for every request."""
        now = monotonic()
        slow_start = self.traits.slow_start
        well: list[Endpoint] = []
        degraded: list[Endpoint] = []
        ejected: list[Endpoint] = []
        again: list[float] = []
        count = 0
        for endpoint in self.endpoints:
            if endpoint.ejected_until and endpoint.ejected_until <= now:
                _eject(endpoint, 0.0, now)
            if endpoint.draining_until and endpoint.draining_until <= now:
                endpoint.draining, endpoint.draining_until, endpoint.since = False, 0.0, now
            if endpoint.weight <= 0 or endpoint.draining:
                if endpoint.draining_until:
                    again.append(endpoint.draining_until - now)
                continue
            count += 1
            closed_for = endpoint.breaker.retry_after(now) if endpoint.breaker is not None else 0.0
            if closed_for > 0.0:
                again.append(closed_for)
                continue
            if endpoint.health == "unhealthy":
                continue
            endpoint.share = (
                endpoint.weight * factor(endpoint.since, now, slow_start) if slow_start else endpoint.weight
            )
            step = next_step(endpoint.since, now, slow_start) if slow_start and endpoint.since else None
            if step is not None:
                again.append(step)
            if endpoint.ejected_until:
                again.append(endpoint.ejected_until - now)
                ejected.append(endpoint)
            else:
                (well if endpoint.health == "healthy" else degraded).append(endpoint)
        usable = well or degraded or ejected
        self.version += 1
        self.usable = bool(usable)
        self.spare = degraded if well else ()
        self.left = len(well) / count if count else 0.0
        self.balancer.update(usable)
        self._cost = monotonic() - now
        self._look_again(min(again, default=0.0))

    def _look_again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds > 0.0:
            self._timer = asyncio.get_running_loop().call_later(seconds + 0.001, self.refresh)

    def close(self, keep: set[int]) -> None:
        """No configuration names it any more: idle connections go now, busy ones after their exchange.

        `keep` holds identities of pools that another service goes on using.
        """
        self._look_again(0.0)
        for endpoint in self.endpoints:
            if id(endpoint.pool) not in keep:
                endpoint.pool.close()


def _eject(endpoint: Endpoint, until: float, now: float) -> None:
    """Out until that time; in again when that is not to come."""
    out, endpoint.ejected_until = endpoint.ejected_until > 0.0, until if until > now else 0.0
    if endpoint.ejected_until:
        if endpoint.outlier is not None and not out:
            endpoint.outlier.ejected(now)
    elif out:
        endpoint.since = now
        if endpoint.outlier is not None:
            endpoint.outlier.returned(now)


class _Changed:
    """Told of every change of one endpoint's breaker."""

    __slots__ = ("_endpoint", "_service")

    def __init__(self, service: Service, endpoint: Endpoint) -> None:
        self._service = service
        self._endpoint = endpoint

    def __call__(self, state: str) -> None:
        service, endpoint = self._service, self._endpoint
        service.traits.count(f"breaker_{state.replace('-', '_')}")
        service.traits.report(BreakerState(service.name, endpoint.url, state))  # type: ignore[arg-type]
        if state != "half-open":
            service._changed()
