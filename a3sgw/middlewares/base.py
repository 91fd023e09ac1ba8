"""The hooks a middleware may have. A chain holds only those a class overrides, so the rest cost nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, Protocol, TypeVar

from a3sgw.http.message import Request, Response
from a3sgw.options import BaseOptions
from a3sgw.plan import Plan
from a3sgw.shared.table import SharedTable

OptionsType = TypeVar("OptionsType", bound=BaseOptions)


class Outcome(Protocol):
    """How an exchange ended, for `done` hooks and logs."""

    status: int
    """What the client got; 499 when it left first."""
    received: int
    """Bytes of request body read from the client."""
    sent: int
    """Bytes of response body written to the client."""
    error: str
    """Why it failed, empty when it did not."""


class BodyFilter:
    """Sees the body of one message, piece by piece; made anew for each message that needs it."""

    keeps_length = False
    """True when it never changes how many bytes there are, so that Content-Length may stay."""

    def feed(self, data: bytes) -> bytes:
        """A piece in, a piece out, possibly empty; ClientError refuses the message from here on."""
        return data

    def flush(self) -> bytes:
        """What is left at the end."""
        return b""


class Middleware(Generic[OptionsType]):
    """One policy on a route. Override the hooks you need; `request` and `response` may be ``async``.

    Order of calls: `request` in the order written, `response` in reverse, and only for those whose `request` let it
    pass.
    """

    def __init__(self, options: OptionsType) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.options!r}>"

    def share(self, name: str, table: SharedTable) -> None:
        """Called once before `open`: the table of limits that hold for all workers together.

        `name` is what this middleware is called in the configuration.
        """

    async def open(self) -> None:
        """The configuration that names it is about to serve; what can fail fails here."""

    async def close(self) -> None:
        """No configuration names it any more."""

    def plan(self, plan: Plan) -> Plan:
        """At load: change how the route forwards."""
        return plan

    def request(self, request: Request) -> Response | Awaitable[Response | None] | None:
        """The head is complete: return a Response to answer now, None to go on; ClientError refuses."""

    def request_body(self, request: Request) -> BodyFilter | None:
        """A filter for this request's body, or None."""

    def response(self, request: Request, response: Response) -> Awaitable[None] | None:
        """The response head is there and may be changed."""

    def response_body(self, request: Request, response: Response) -> BodyFilter | None:
        """A filter for this response's body, or None."""

    def done(self, request: Request, outcome: Outcome) -> None:
        """The exchange has ended; exactly once, whatever happened."""
