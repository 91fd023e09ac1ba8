"""So many requests per second from each client, counted by all processes of the gateway together."""

from __future__ import annotations

from math import ceil
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context, Middleware
from a3sgw.options import BaseOptions, Field
from a3sgw.shared.table import SharedTable

_MAPPED = bytes(10) + b"\xff\xff"
"""What precedes an IPv4 address inside an IPv6 one (RFC 4291 §2.5.5.2)."""
_LONGEST = 365 * 24 * 3600
"""Seconds; nobody is asked to wait longer."""


class Options(BaseOptions):
    """Options of `rate-limit`."""

    rate: float = Field(gt=0)
    """Requests per second from one client, in the long run."""

    burst: int = Field(1, ge=1)
    """Requests that may come at once after a pause."""


class RateLimit(Middleware[Options]):
    """A client is an IPv4 address or a /64 of IPv6, which is what one subscriber gets; all without one are one client.

    It is the same client on every route that names this middleware, and after a reload.
    """

    _table: SharedTable

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        # The interval of the smallest numbers there are is infinite, which would let everything through.
        self._rate = max(options.rate, 1 / _LONGEST)
        self._burst = options.burst
        self._prefix = b""

    def attach(self, context: Context) -> None:
        """Buckets go by the name, so a reload that changes a number keeps them."""
        super().attach(context)
        if context.table is not None:
            self._table = context.table
        self._prefix = b"rate-limit\0%b\0" % context.name.encode()

    def request(self, request: Request) -> None:
        """Refuse what comes too early, and say in Retry-After when it would not; 2.5 µs for one that passes."""
        wait = self._table.admit(self._prefix + _client(request.client_ip), self._rate, self._burst)
        if wait > 0.0:
            seconds = ceil(min(wait, _LONGEST))  # up: who comes back a moment too early is refused again
            reason = f"more than {self._rate:g} per second from {request.client_ip or 'an unknown address'}"
            raise ClientError(429, reason, ((b"Retry-After", b"%d" % seconds),))


def _client(address: str) -> bytes:
    if ":" not in address:
        return address.encode()
    packed = inet_pton(AF_INET6, address)
    if packed.startswith(_MAPPED):
        return inet_ntop(AF_INET, packed[12:]).encode()
    return packed[:8] + b"/64"
