"""Every exception the gateway raises, on one page.

GatewayError
├── ConfigError(diagnostics)        the operator can fix it; always has places
├── BindError(address)              an entrypoint could not be opened
├── ClientError(status)             the client's fault: 400 408 413 414 417 429 431 501 505
└── UpstreamError(status)           the endpoint's side; `retryable` says whether the request may be sent again
    ├── NoEndpoint 503              nobody left to ask
    ├── Overloaded 503              more than it may get: a limit, a full queue, an open breaker
    ├── ConnectError 502            no connection (retryable: nothing was sent)
    ├── ConnectTimeout 504          no connection in time (retryable: nothing was sent)
    ├── ReadTimeout 504             connected, then silent
    ├── ProtocolError 502           the answer is not HTTP, or can be read in two ways
    └── ConnectionLost 502          closed before the answer was whole

On the request path an error is a value handed to `Exchange.fail`, not something thrown through frames.
"""

from __future__ import annotations

from collections.abc import Sequence

from a3sgw.diagnostic import Diagnostic


class GatewayError(Exception):
    """Base of everything below."""


class ConfigError(GatewayError):
    """The configuration cannot be used; `diagnostics` holds every reason at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class BindError(GatewayError):
    """An address could not be bound; `address` is as the operator wrote it."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        super().__init__(f"cannot listen on {address}: {reason}")


class ClientError(GatewayError):
    """The request is refused; `status` and the header `fields` are what the client gets, `reason` what the log gets."""

    def __init__(self, status: int, reason: str, fields: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.status = status
        self.reason = reason
        self.fields = fields
        super().__init__(f"{status}: {reason}")


class UpstreamError(GatewayError):
    """The endpoint's side failed."""

    status = 502
    retryable = False
    fields: Sequence[tuple[bytes, bytes]] = ()

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{self.status}: {reason}")


class NoEndpoint(UpstreamError):
    """No endpoint of the service can be used; the client is told when to come back where that is known."""

    status = 503

    def __init__(self, reason: str, seconds: int = 0) -> None:
        super().__init__(reason)
        if seconds:
            self.fields = ((b"Retry-After", b"%d" % seconds),)


class Overloaded(UpstreamError):
    """The service gets no more for now; the client is told to come back after so many seconds."""

    status = 503

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.fields = ((b"Retry-After", b"%d" % seconds),)


class ConnectError(UpstreamError):
    """The endpoint could not be reached; nothing was sent."""

    retryable = True


class ConnectTimeout(UpstreamError):
    """The endpoint did not accept in `connect_timeout`; nothing was sent."""

    status = 504
    retryable = True


class ReadTimeout(UpstreamError):
    """The endpoint accepted and then kept silent for too long."""

    status = 504


class ProtocolError(UpstreamError):
    """The endpoint answered with something that is not one clear HTTP/1.1 response."""


class ConnectionLost(UpstreamError):
    """The endpoint closed before its answer was whole."""
