"""Options of the middleware kinds whose module does not exist yet: they validate, and are reported as not supported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from a3sgw.options import BaseOptions, Duration, Field, Network, Secret, Size, StringMap


class ApiKey(BaseOptions):
    """`api-key`."""

    header: str = "X-API-Key"
    """Header field the key is read from."""

    keys: tuple[Secret, ...]
    """Keys that may pass."""


class BasicAuth(BaseOptions):
    """`basic-auth`."""

    username: str = ""
    """The one user."""

    password: Secret = ""
    """The one user's password."""

    users: tuple[Secret, ...] = ()
    """More users, as in htpasswd."""

    users_file: str = ""
    """htpasswd file."""


class Jwt(BaseOptions):
    """`jwt`."""

    value: Secret = ""
    """Secret for HS256."""

    public_key_file: str = ""
    """PEM file with the public key for RS, ES or EdDSA."""

    jwks_url: str = ""
    """Where the public keys are published."""

    issuer: str = ""
    """Who must have issued the token."""


class ForwardAuth(BaseOptions):
    """`forward-auth`."""

    forward_auth_url: str
    """Who is asked whether a request may pass."""

    forward_auth_response_headers: tuple[str, ...] = ()
    """Header fields of its answer that are added to the request."""


class RateLimitRedis(BaseOptions):
    """`rate-limit-redis`."""

    rate: float = Field(gt=0)
    """Requests per second."""

    burst: int = Field(1, ge=1)
    """Requests at once."""

    redis_url: Secret
    """Redis that counts for all nodes."""


class Cors(BaseOptions):
    """`cors`."""

    allowed_origins: tuple[str, ...] = ()
    """Origins that may ask."""

    allowed_methods: tuple[str, ...] = ()
    """Methods they may use."""

    allowed_headers: tuple[str, ...] = ()
    """Header fields they may send."""

    max_age: Duration = 0.0
    """How long a browser may remember the answer."""


class HeadersOptions(BaseOptions):
    """`headers`."""

    request_headers: StringMap = Field(default_factory=dict)
    """Header fields set on the request; an empty value deletes."""

    response_headers: StringMap = Field(default_factory=dict)
    """Header fields set on the response; an empty value deletes."""


class StripPrefix(BaseOptions):
    """`strip-prefix`."""

    prefixes: tuple[str, ...]
    """Prefixes taken off the path."""


class BodyLimit(BaseOptions):
    """`body-limit`."""

    max_body_bytes: Size
    """Largest body that may pass; more is answered with 413."""


class CircuitBreaker(BaseOptions):
    """`circuit-breaker`."""

    failure_threshold: int = Field(5, ge=1)
    """Failures in a row that open the breaker."""

    cooldown_secs: Duration = 30.0
    """How long it stays open."""

    success_threshold: int = Field(1, ge=1)
    """Successes in a row that close it."""


class IpAllow(BaseOptions):
    """`ip-allow`."""

    allowed_ips: tuple[Network, ...]
    """Networks that may pass."""


class Compress(BaseOptions):
    """`compress`."""


class TcpFilter(BaseOptions):
    """`tcp-filter`."""

    max_connections: int = Field(0, ge=0)
    """Connections open at once; 0 means no limit."""

    allowed_ips: tuple[Network, ...] = ()
    """Networks that may connect; empty means all."""


FIXED_KINDS: Mapping[str, type[BaseOptions]] = MappingProxyType(
    {
        "api-key": ApiKey,
        "basic-auth": BasicAuth,
        "jwt": Jwt,
        "forward-auth": ForwardAuth,
        "rate-limit-redis": RateLimitRedis,
        "cors": Cors,
        "headers": HeadersOptions,
        "strip-prefix": StripPrefix,
        "body-limit": BodyLimit,
        "circuit-breaker": CircuitBreaker,
        "ip-allow": IpAllow,
        "compress": Compress,
        "tcp-filter": TcpFilter,
    }
)
"""Kinds every version has to accept."""
