"""What an operator can say about a service."""

from __future__ import annotations

from a3sgw.config.circuit_breaker import ServiceBreaker
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.mirror import Mirror
from a3sgw.config.retries import Retries
from a3sgw.config.scaling import Revision, Rollout, Scaling
from a3sgw.config.sticky import Sticky
from a3sgw.http.statuses import StatusRange
from a3sgw.options import BaseOptions, Duration, Field, OptionError, Percentage, Several, Size, model_validator


class Failover(BaseOptions):
    """Who answers when no endpoint is left."""

    service: str
    """The service that answers instead."""

    statuses: tuple[StatusRange, ...] = ()
    """Statuses of an answer after which that service is asked as well."""

    max_body_bytes: Size = 65536
    """Bodies up to this size are kept to be sent again; for a longer one the first answer stands."""

    return_after: Duration = 5.0
    """How long endpoints have to be usable again before requests return to them."""


class LoadShedding(BaseOptions):
    """While some endpoints are out, keep room for what matters most (see `importance` of routers).

    `max_in_flight` then shrinks with the share of the endpoints that are left.
    """

    low: Percentage = 50.0
    """Share of the room that requests of low importance may fill."""

    normal: Percentage = 80.0
    """Share of the room that requests of normal importance may fill; those of high importance may fill it all."""


class WeightedService(BaseOptions):
    """One part of a weighted service."""

    name: str
    """The service that gets this part."""

    weight: int = Field(1, ge=0, le=65535)
    """Its share of the requests; 0 keeps sticky clients and gets no new ones."""


class Weighted(BaseOptions):
    """Share the requests among services."""

    services: Several[WeightedService]
    """The services and their weights."""

    sticky: Sticky | None = None
    """Bring a client back to the service it had."""

    @model_validator(mode="after")
    def _somebody_gets_something(self) -> Weighted:
        names = [part.name for part in self.services]
        for name in names:
            if names.count(name) > 1:
                raise OptionError(f'"{name}" is listed twice', "add up the weights", key="services")
        if not any(part.weight for part in self.services):
            raise OptionError("nobody gets any request", "give one of the services a weight above 0", key="services")
        return self


class Service(BaseOptions):
    """A named group of endpoints behind a balancer."""

    load_balancer: LoadBalancer | None = None
    """The endpoints and how one is chosen."""

    weighted: Weighted | None = None
    """Share the requests among other services, instead of endpoints of its own."""

    retries: Retries | None = None
    """Ask again when that is harmless."""

    circuit_breaker: ServiceBreaker | None = None
    """Stop asking when the service keeps failing."""

    max_in_flight: int = Field(0, ge=0)
    """Requests under way at once, in all workers together; more get 503. 0 means no limit."""

    load_shedding: LoadShedding | None = None
    """While some endpoints are out, keep room for what matters most; needs `max_in_flight`."""

    mirror: Mirror | None = None
    """Send a copy of some requests to another service."""

    failover: Failover | None = None
    """Who answers when no endpoint is left."""

    scaling: Scaling | None = None
    """Start and stop replicas by load."""

    revisions: Several[Revision] = ()
    """Versions of this service that share the traffic; their `traffic_percent` adds up to 100."""

    rollout: Rollout | None = None
    """Move traffic between two revisions, step by step."""

    @model_validator(mode="after")
    def _has_endpoints(self) -> Service:
        if self.load_balancer is None and not self.revisions and self.weighted is None:
            raise OptionError(
                "this service has no load_balancer", 'add load_balancer { servers = [{ url = "http://…" }] }'
            )
        if self.weighted is not None and (self.revisions or self.load_balancer is not None):
            raise OptionError(
                "a weighted service has no endpoints of its own",
                "move load_balancer and revisions to a service that it names",
                key="weighted",
            )
        if self.load_shedding is not None and not self.max_in_flight:
            raise OptionError(
                "load_shedding needs max_in_flight",
                "add max_in_flight = 100, or what the endpoints can bear together",
                key="load_shedding",
            )
        return self

    @model_validator(mode="after")
    def _revisions_are_whole(self) -> Service:
        total = sum(revision.traffic_percent for revision in self.revisions)
        if self.revisions and abs(total - 100) > 0.001:
            raise OptionError(
                f"the revisions get {total:g} percent together, not 100", "adjust traffic_percent", key="revisions"
            )
        names = [revision.name for revision in self.revisions]
        for name in names:
            if names.count(name) > 1:
                raise OptionError(f'two revisions are called "{name}"', "give each its own name", key="revisions")
        return self

    @model_validator(mode="after")
    def _rollout_is_known(self) -> Service:
        names = [revision.name for revision in self.revisions]
        ends = (("from", self.rollout.from_), ("to", self.rollout.to)) if self.rollout else ()
        for end, name in ends:
            if name not in names:
                known = f"the revisions are {', '.join(names)}" if names else "this service has no revisions"
                raise OptionError(f'rollout names the unknown revision "{name}"', known, key=f"rollout.{end}")
        if self.rollout and self.rollout.from_ == self.rollout.to:
            raise OptionError("a rollout goes from one revision to another", "name two revisions", key="rollout")
        return self
