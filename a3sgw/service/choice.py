"""Which endpoint of a service a request asks, where more is to be looked at than the balance."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from a3sgw.control.messages import EndpointDrain
from a3sgw.http.message import Request, Response
from a3sgw.service.service import Service
from a3sgw.upstream.endpoint import Endpoint

_DRAIN = b"x-a3s-server"
_DRAIN_SECONDS = 30.0
"""An endpoint that gets nothing new cannot say that it is back; so what it has said holds for so long."""


@dataclass(slots=True)
class Choice:
    """One endpoint asked for one request: what was taken for it has to be given back, with what has come of it."""

    service: Service
    endpoint: Endpoint
    bound: bool
    """Whether the client was bound to it before."""
    token: int
    """Of the endpoint's breaker, 0 without one."""
    at: float
    """Monotonic time."""
    seconds: float | None = None
    """To the head of its answer."""
    failed: bool = False
    """Whether that answer is a failure."""

    def answered(self, failed: bool) -> None:
        """The head of its answer is there."""
        self.seconds = monotonic() - self.at
        self.failed = failed

    def judge(self, failed: bool) -> None:
        """How it did, once that is certain: an answer may break after its head."""
        now = monotonic()
        endpoint = self.endpoint
        if endpoint.breaker is not None and self.token:
            token, self.token = self.token, 0
            endpoint.breaker.outcome(token, now, failed, self.seconds)
        if endpoint.outlier is not None:
            seconds = endpoint.outlier.outcome(now, failed)
            if seconds:
                self.service.eject(endpoint, seconds, now)

    def over(self) -> None:
        """It is no longer asked; call after its `in_flight` has gone down."""
        endpoint, service = self.endpoint, self.service
        if self.token and endpoint.breaker is not None:
            endpoint.breaker.forget(self.token)
        if service.traits.places is not None:
            service.traits.places.give(endpoint)
        if service.balancer.feedback:
            service.balancer.ended(endpoint, self.seconds)


@dataclass(frozen=True, slots=True)
class Busy:
    """There is an endpoint, but it has as much as it may; `endpoint` is None when that goes for all."""

    endpoint: Endpoint | None = None


def choose(service: Service, request: Request, tried: tuple[Endpoint, ...]) -> Choice | Busy | None:
    """An endpoint, counted in; None when there is none."""
    traits = service.traits
    now = monotonic()
    busy = False
    if traits.sticky is not None:
        bound = traits.sticky.read(request)
        if bound is not None and bound not in tried and bound.keeps_clients(now):
            choice = _take(service, bound, now, True)
            if choice is not None:
                return choice if isinstance(choice, Choice) else Busy(bound)
    while True:
        endpoint = service.pick(request, tried) or _spare(service, tried)
        if endpoint is None:
            return Busy() if busy else None
        choice = _take(service, endpoint, now, False)
        if isinstance(choice, Choice):
            return choice
        busy = busy or choice is not None
        tried = (*tried, endpoint)


def _spare(service: Service, tried: tuple[Endpoint, ...]) -> Endpoint | None:
    return next((one for one in service.spare if one not in tried), None)


def _take(service: Service, endpoint: Endpoint, now: float, bound: bool) -> Choice | Busy | None:
    """None when its breaker refuses."""
    token = 0
    places = service.traits.places
    if places is not None and not places.take(endpoint):
        return Busy()
    if endpoint.breaker is not None:
        token = endpoint.breaker.admit(now)
        if not token:
            if places is not None:
                places.give(endpoint)
            return None
    endpoint.in_flight += 1
    if service.balancer.feedback:
        service.balancer.began(endpoint)
    return Choice(service, endpoint, bound, token, now)


def heed(choice: Choice, response: Response) -> None:
    """Whether the endpoint asks to be drained, or no longer; the field goes no further than here."""
    said = response.headers.get(_DRAIN)
    if said is None:
        return
    response.headers.remove(_DRAIN)
    draining = {b"drain": True, b"ready": False}.get(said.lower())
    endpoint, service = choice.endpoint, choice.service
    now = monotonic()
    if draining is None or (draining == endpoint.draining and endpoint.draining_until - now > _DRAIN_SECONDS / 2):
        return
    if not draining and not endpoint.draining:
        return
    if endpoint.draining and not endpoint.draining_until:
        return  # an operator has said so, and only an operator can take that back
    message = EndpointDrain(service.name, endpoint.url, draining, now + _DRAIN_SECONDS if draining else 0.0)
    service.take(message)
    service.traits.count("drains")
    service.traits.report(message)
