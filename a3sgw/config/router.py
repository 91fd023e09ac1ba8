"""What an operator can say about a router."""

from __future__ import annotations

from typing import Literal

from a3sgw.options import BaseOptions, Duration, Field


class Timeouts(BaseOptions):
    """Times that differ on this router from those of the service; none means the service's."""

    connect_timeout: Duration | None = None
    """Time to connect to an endpoint."""

    request_timeout: Duration | None = None
    """Time until the head of the response; each time an endpoint is asked."""

    stream_idle_timeout: Duration | None = None
    """Time between two pieces of a response's body."""

    stream_total_timeout: Duration | None = None
    """Time for a whole response."""

    total_timeout: Duration | None = None
    """Time for everything from the request's head to the last byte of the response."""


class Router(BaseOptions):
    """Which requests go to which service, and through which middlewares."""

    rule: str = ""
    """Which requests are meant, e.g. ``Host(`a.example`) && PathPrefix(`/v1`)``; not used by UDP."""

    service: str = ""
    """Name of the service that answers; not needed with a middleware that always answers itself, such as `respond`."""

    entrypoints: tuple[str, ...] = ()
    """Entrypoints to listen on; empty means all of the matching protocol."""

    middlewares: tuple[str, ...] = ()
    """Middlewares in the order a request meets them."""

    priority: int = Field(0, ge=-(2**63), le=2**63 - 1001)
    """Higher wins; 0 means the length of the rule."""

    merge_slashes: bool | None = None
    """Overrides, for what the endpoint gets, the entrypoint's setting; rules are matched by the entrypoint's."""

    timeouts: Timeouts | None = None
    """Times that differ on this router from those of the service."""

    importance: Literal["low", "normal", "high"] = "normal"
    """Which requests a service with `load_shedding` refuses first."""
