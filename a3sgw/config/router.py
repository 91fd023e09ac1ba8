"""What an operator can say about a router."""

from __future__ import annotations

from typing import Literal

from a3sgw.config.entrypoint import ClientAuth, Protocols, TlsVersion
from a3sgw.options import BaseOptions, Duration, Field, OptionError, model_validator


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


class RouterTls(BaseOptions):
    """TLS options that differ on this router from those of its entrypoint."""

    enabled: bool = True
    """Whether it takes connections with TLS; false, on a TCP router: those without."""

    passthrough: bool = False
    """Hand the encrypted connection on as it is, to be ended by the endpoint; only TCP routers."""

    min_version: TlsVersion | None = None
    """Oldest TLS version that is spoken."""

    max_version: TlsVersion | None = None
    """Newest TLS version that is spoken."""

    cipher_suites: tuple[str, ...] = ()
    """OpenSSL names of the TLS 1.2 cipher suites; empty means those of the entrypoint."""

    alpn: Protocols = ()
    """Protocols offered, best first; empty means those of the entrypoint."""

    client_auth: ClientAuth | None = None
    """Certificates asked of clients."""

    @model_validator(mode="after")
    def _means_something(self) -> RouterTls:
        others = ("min_version", "max_version", "cipher_suites", "alpn", "client_auth")
        for key in others if self.passthrough or not self.enabled else ():
            if getattr(self, key):
                raise OptionError(f"{key} has no effect: TLS is not ended here", f"remove {key}", key=key)
        if self.passthrough and not self.enabled:
            raise OptionError("without TLS there is nothing to pass through", "remove passthrough", key="passthrough")
        return self


class WebSocket(BaseOptions):
    """Connections that leave HTTP (WebSocket, and other protocols a client asks for by `Upgrade`)."""

    max_connections: int = Field(0, ge=0)
    """Open at once on this router, from all workers together; more are answered with 503; 0 means no limit."""

    close_frame: bool = False
    """Say goodbye to WebSocket clients (close 1001) before a connection is ended for a reload or at the end."""


class EventStream(BaseOptions):
    """Answers of type text/event-stream."""

    error_event: bool = False
    """Tell clients by an event of the name `error` when the endpoint breaks off."""


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

    drain_timeout: Duration = 30.0
    """How long WebSockets and TCP connections stay open after the router has changed or gone; each ends at a moment of
    its own in the second half of this time."""

    tls: RouterTls | None = None
    """TLS options that differ from those of the entrypoint; HTTP routers need Host in their rule for that."""

    websocket: WebSocket | None = None
    """Connections that leave HTTP."""

    event_stream: EventStream | None = None
    """Answers of type text/event-stream."""

    importance: Literal["low", "normal", "high"] = "normal"
    """Which requests a service with `load_shedding` refuses first."""
