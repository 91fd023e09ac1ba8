"""A request that is being served: what is known of it, and how it ends."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from asyncio import Task
from collections.abc import Awaitable, Sequence
from time import monotonic
from typing import cast

from a3sgw.errors import GatewayError, UpstreamError
from a3sgw.http.message import Request, Response
from a3sgw.proxy.filters import Filters
from a3sgw.proxy.seam import Client
from a3sgw.routing.route import Route
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint

_log = logging.getLogger("a3sgw.proxy")


class Running(ABC):
    """Lives from the request's head until the response's end; see `finish` for what happens then."""

    # Defaults stand on the class: most exchanges never need most of them
    _origin: Upstream | None = None
    _pending: list[bytes] | None = None
    """Body pieces that came before there was an endpoint."""
    _held: list[bytes] | None = None
    """Response pieces that came while a response step was waiting."""
    _held_trailers = b""
    _request_filters: Filters | None = None
    _response_filters: Filters | None = None
    _request_trailers = b""
    _waiting: Task[None] | None = None
    """What this exchange waits for, if it needs a task at all."""
    _awaited: Awaitable[Response | None] | None = None
    """What that task is to wait for first."""
    _next_step = 0
    """The response step that comes after the one that waits."""
    _unwanted: Upstream | None = None
    """Whose answer nobody wants any more."""
    _patience = 65536
    """Bytes of it that are read before its connection is given up."""
    _wants_body = False
    """Whether a step that has not been asked wants to see the whole body."""
    _gathering = 0
    """Bytes of the body that may come before the chain is asked; 0 when it need not be gathered."""
    response: Response | None = None
    finished = False
    _counted = False
    """Whether it is one of the endpoint's `in_flight`."""
    takes_whole = True
    passed = 0
    """Request steps that let it pass."""
    tried: tuple[Endpoint, ...] = ()
    _unreached: UpstreamError | None = None
    """Why the last endpoint could not be reached."""

    # What observers read
    seconds = 0.0
    """How long it took, once it has ended."""
    upstream_seconds = 0.0
    endpoint: Endpoint | None = None
    attempts = 0
    status = 0
    received = 0
    sent = 0
    error = ""

    def __init__(self, client: Client, request: Request, own: bytes, route: Route) -> None:
        self._client = client
        self._own = own
        """Field lines the gateway adds for the endpoint: forwarding and request id."""
        self.request = request
        self.route = route
        self.plan = route.plan
        self.request_ended = request.content_length == 0
        self.only_reads = not (route.chain.responds or request.te)
        if request.te:  # there may be trailers
            self.takes_whole = False
        self.started = monotonic()

    def __repr__(self) -> str:
        return f"<Exchange [{self.request!r} → {self.route.name}, {self.status or 'waiting'}]>"

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        return self.request.expect != b"" and not self.request_ended and not self.received

    # What comes above...

    @abstractmethod
    def _attempt(self) -> None:
        """Go on to an endpoint."""

    @abstractmethod
    def answer(self, response: Response) -> None:
        """Answer without (or instead of) an endpoint."""

    @abstractmethod
    def fail(self, error: GatewayError) -> None:
        """An error of either side."""

    @abstractmethod
    def _refuse(self, status: int, fields: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """An answer that says no."""

    # Ending...

    def _abandon(self) -> None:
        """The endpoint need not go on with it."""
        origin = self._origin
        self._leave()
        if origin is not None and self._hears(origin):
            origin.abort()

    def _hears(self, origin: Upstream) -> bool:
        """Whether the connection still delivers to this exchange."""
        sink: object = origin.sink
        return sink is self

    def _leave(self) -> None:
        """It is no longer asked."""
        self._origin = None
        if self._counted:
            self._counted = False
            cast(Endpoint, self.endpoint).in_flight -= 1

    def finish(self) -> None:
        """Exactly once: tell observers and middlewares, then let the client's side go on."""
        self.finished = True
        self.seconds = monotonic() - self.started
        route = self.route
        for observe in route.observers:
            observe(self)
        for passed, done in route.chain.done:
            if passed <= self.passed:
                try:
                    done(self.request, self)
                except Exception as error:
                    _log.error("a middleware failed", extra={"route": route.name}, exc_info=error)
        self._client.finished()
