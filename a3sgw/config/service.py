"""What an operator can say about a service."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from a3sgw.config.scaling import Revision, Rollout, Scaling
from a3sgw.config.server import Server
from a3sgw.config.strategy import Strategy
from a3sgw.options import (
    AfterValidator,
    BaseOptions,
    Duration,
    Field,
    OptionError,
    Percentage,
    Several,
    StringMap,
    ValueKind,
    model_validator,
    shown,
)

_HASH_ON = re.compile(r"ip|path|(?:header|cookie|claim):[^\s:]+")


def _hash_on(value: str) -> str:
    if value and not _HASH_ON.fullmatch(value):
        raise OptionError(
            f"{shown(value)} is nothing to hash on", 'write "ip", "path", "header:X", "cookie:X" or "claim:X"'
        )
    return value


HashOn = Annotated[str, AfterValidator(_hash_on), ValueKind("string")]


class HealthCheck(BaseOptions):
    """Ask every endpoint regularly whether it is well."""

    path: str = "/"
    """Path to ask for."""

    interval: Duration = 10.0
    """Time between two questions."""

    timeout: Duration = 5.0
    """Time for an answer."""

    unhealthy_threshold: int = Field(3, ge=1)
    """Failures in a row that take an endpoint out."""

    healthy_threshold: int = Field(1, ge=1)
    """Successes in a row that bring it back."""

    degraded_threshold: int | None = Field(None, ge=1)
    """Failures in a row that make an endpoint second choice; below `unhealthy_threshold`."""

    method: str = "GET"
    """Method to ask with."""

    hostname: str = ""
    """Host field to ask with; empty means the endpoint's own."""

    port: int | None = Field(None, ge=1, le=65535)
    """Port to ask on; none means the endpoint's own."""

    scheme: Literal["", "http", "https"] = ""
    """Scheme to ask with; empty means the endpoint's own."""

    mode: Literal["http", "grpc"] = "http"
    """Plain HTTP, or the gRPC health protocol."""

    headers: StringMap = Field(default_factory=dict)
    """Header fields to ask with."""

    follow_redirects: bool = True
    """Whether a redirect is followed or counts as its status."""

    status: int | None = Field(None, ge=100, le=599)
    """The one status that counts as well; none means 200 to 399."""

    unhealthy_interval: Duration | None = None
    """Time between two questions to an endpoint that is out; none means `interval`."""

    @model_validator(mode="after")
    def _order(self) -> HealthCheck:
        if self.degraded_threshold is not None and self.degraded_threshold >= self.unhealthy_threshold:
            raise OptionError(
                f"degraded_threshold ({self.degraded_threshold}) is not below unhealthy_threshold",
                f"unhealthy_threshold is {self.unhealthy_threshold}; 3 and 5 are usual",
                key="degraded_threshold",
            )
        return self


class Sticky(BaseOptions):
    """Bring a client back to the endpoint it had."""

    cookie: str = Field("a3sgw_server", pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    """Name of the cookie."""

    secure: bool = False
    """Send it over TLS only."""

    http_only: bool = False
    """Hide it from scripts."""

    same_site: Literal["", "none", "lax", "strict"] = ""
    """SameSite attribute."""

    max_age: Duration | None = None
    """How long it is kept; none means until the browser closes."""

    path: str = "/"
    """Path attribute."""

    domain: str = ""
    """Domain attribute."""


class UpstreamTls(BaseOptions):
    """How the certificate of an endpoint is checked."""

    ca_file: str = ""
    """PEM file with the authorities that are believed; empty means the system's."""

    insecure_skip_verify: bool = False
    """Believe any certificate."""

    server_name: str = ""
    """Name to ask for and to check; empty means the endpoint's host."""


class LoadBalancer(BaseOptions):
    """The endpoints of a service and how one is chosen."""

    strategy: Strategy = "round-robin"
    """How an endpoint is chosen."""

    servers: Several[Server] = ()
    """The endpoints."""

    health_check: HealthCheck | None = None
    """Ask every endpoint regularly whether it is well."""

    sticky: Sticky | None = None
    """Bring a client back to the endpoint it had."""

    connect_timeout: Duration = 5.0
    """Time to connect to an endpoint."""

    request_timeout: Duration = 30.0
    """Time until the head of the response."""

    stream_idle_timeout: Duration = 300.0
    """Time between two pieces of a response's body."""

    stream_total_timeout: Duration | None = None
    """Time for a whole response; none means no limit."""

    pass_host_header: bool = True
    """Send the client's Host field instead of the endpoint's."""

    max_idle_connections: int = Field(256, ge=0)
    """Connections kept per endpoint for later requests."""

    idle_timeout: Duration = 60.0
    """How long they are kept."""

    hash_on: HashOn = ""
    """What consistent-hash and hrw look at: `ip`, `path`, `header:X`, `cookie:X` or `claim:X`."""

    tls: UpstreamTls | None = None
    """How the certificates of https endpoints are checked."""


class Mirror(BaseOptions):
    """Send a copy of some requests to another service."""

    service: str
    """The service that gets the copies."""

    percentage: Percentage = 100.0
    """Share of the requests that is copied."""


class Failover(BaseOptions):
    """Who answers when no endpoint is left."""

    service: str
    """The service that answers instead."""


class Service(BaseOptions):
    """A named group of endpoints behind a balancer."""

    load_balancer: LoadBalancer | None = None
    """The endpoints and how one is chosen."""

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
        if self.load_balancer is None and not self.revisions:
            raise OptionError(
                "this service has no load_balancer", 'add load_balancer { servers = [{ url = "http://…" }] }'
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
