"""What an operator can say about endpoints and how one is chosen."""

from __future__ import annotations

from typing import Annotated, Literal

from a3sgw.config.circuit_breaker import CircuitBreaker
from a3sgw.config.health_check import HealthCheck, PassiveHealthCheck
from a3sgw.config.server import Server
from a3sgw.config.sticky import Sticky
from a3sgw.config.strategy import Strategy
from a3sgw.http.lookup import lookup
from a3sgw.options import (
    AfterValidator,
    BaseOptions,
    Duration,
    Field,
    OptionError,
    Several,
    ValueKind,
    model_validator,
)

_HASHING = ("consistent-hash", "hrw")


def _hash_on(value: str) -> str:
    if value:
        lookup(value)
    return value


HashOn = Annotated[str, AfterValidator(_hash_on), ValueKind("string")]


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

    hash_on: HashOn = ""
    """What consistent-hash and hrw look at: `ip` (the default), `path`, `header:X`, `cookie:X`, `query:X`, `claim:X`,
    `identity` …; a request that lacks it goes by its client's address."""

    health_check: HealthCheck | None = None
    """Ask every endpoint regularly whether it is well."""

    passive_health_check: PassiveHealthCheck | None = None
    """Leave endpoints out for a while that fail real requests."""

    circuit_breaker: CircuitBreaker | None = None
    """Stop asking an endpoint that keeps failing; each endpoint has its own."""

    sticky: Sticky | None = None
    """Bring a client back to the endpoint it had."""

    slow_start: Duration = 0.0
    """An endpoint that is new or returns gets its share step by step over this time; 0 means at once."""

    drain_header: bool = False
    """An endpoint that answers with `X-A3S-Server: drain` gets no new clients for 30 s, or until it says `ready`."""

    max_connections: int = Field(0, ge=0)
    """Requests at once to each endpoint, from all workers together; 0 means no limit."""

    queue_size: int = Field(100, ge=0)
    """Requests that wait at once, in each worker, when all endpoints have `max_connections`; more get 503."""

    queue_timeout: Duration = Field(5.0, gt=0)
    """How long a request waits; then it gets 503."""

    connect_timeout: Duration = 5.0
    """Time to connect to an endpoint."""

    request_timeout: Duration = 30.0
    """Time until the head of the response; each time an endpoint is asked."""

    stream_idle_timeout: Duration = 300.0
    """Time between two pieces of a response's body, or of a WebSocket, either way; TCP connections have an hour unless
    it is set."""

    stream_total_timeout: Duration | None = None
    """Time for a whole response; none means no limit."""

    total_timeout: Duration | None = None
    """Time for everything from the request's head to the last byte of the response, retries and waiting included.

    Event streams and gRPC are exempt; none means no limit."""

    total_timeout_for_streams: bool = False
    """Let `total_timeout` hold for event streams and gRPC too."""

    termination_delay: Duration = 5.0
    """TCP: how long one side may stay silent after the other has said that it sends no more."""

    proxy_protocol: Literal["", "v1", "v2"] = ""
    """TCP: tell endpoints by a PROXY header where the client is."""

    pass_host_header: bool = True
    """Send the client's Host field instead of the endpoint's."""

    max_idle_connections: int = Field(256, ge=0)
    """Connections kept per endpoint for later requests."""

    idle_timeout: Duration = 60.0
    """How long they are kept."""

    tls: UpstreamTls | None = None
    """How the certificates of https endpoints are checked; with tcp endpoints: speak TLS with them."""

    @model_validator(mode="after")
    def _hash_on_is_used(self) -> LoadBalancer:
        if self.hash_on and self.strategy not in _HASHING:
            raise OptionError(
                f'strategy "{self.strategy}" does not look at hash_on', f"use {' or '.join(_HASHING)}", key="hash_on"
            )
        if self.hash_on and self.sticky is not None and self.sticky.mode == "ip":
            raise OptionError('sticky with mode "ip" takes the place of hash_on', "remove one of them", key="hash_on")
        return self

    @model_validator(mode="after")
    def _can_be_asked(self) -> LoadBalancer:
        check = self.health_check
        if check is None or not self.servers:
            return self
        schemes = {server.url.scheme for server in self.servers}
        if "udp" in schemes and (check.mode is None or check.port is None):
            raise OptionError(
                "servers that speak UDP cannot be asked by it",
                'say how they can be, e.g. mode = "tcp" and port = 8080, or remove the health check',
                key="health_check",
            )
        check.refuse_unused(check.asks_by(schemes), "health_check.")
        return self
