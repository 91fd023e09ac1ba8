"""What the middlewares of a route say of a request, before anybody else is asked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from typing import cast

from a3sgw.errors import ClientError, GatewayError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.middlewares.base import BodyFilter
from a3sgw.proxy.filters import Filters
from a3sgw.proxy.running import Running
from a3sgw.proxy.seam import WAITING
from a3sgw.routing.chain import Chain
from a3sgw.tasks import spawn, unless_cancelled

_log = logging.getLogger("a3sgw.proxy")


class Deciding(Running):
    """Asks one step after the other, and goes on to an endpoint when nobody minds."""

    def begin(self) -> None:
        """Ask the chain; then answer, or go on to an endpoint."""
        chain = self.route.chain
        if not chain.decides:
            self._attempt()
            return
        if chain.body_bytes and self.request.content_length != 0:
            self._wants_body = True
        self._ask()

    def _ask(self) -> None:
        """What the middlewares say that have not been asked yet; those that do not wait say it at once."""
        chain = self.route.chain
        request = self.request
        steps = chain.request
        passed = self.passed
        if passed or self._wants_body:
            steps = steps[passed : chain.body_at if self._wants_body else None]
        try:
            for step in steps:
                result = step(request)
                if result is not None:
                    self.passed = passed
                    if isinstance(result, Response):
                        chain.count[passed]("answered")
                        self.answer(result)
                    else:
                        self._wait_for(result)
                    return
                passed += 1
            self.passed = passed
            if self._wants_body:
                self._gather(chain.body_bytes)
                return
            if chain.gives_way is not None or chain.request_body:
                self._let_through(chain)
        except Exception as error:
            self.passed = passed
            self._stopped(error)
            return
        self._attempt()

    def _wait_for(self, result: Awaitable[Response | None]) -> None:
        """A step has to wait, in a task of its own; nothing more is read of the request meanwhile."""
        if not self.request_ended:
            self._client.hold(WAITING)
        self._awaited = result
        self._waiting = spawn(self._ask_waiting(), "request chain")

    async def _ask_waiting(self) -> None:
        result = cast("Awaitable[Response | None]", self._awaited)
        self._awaited = None
        try:
            response = await unless_cancelled(result)
        except Exception as error:
            if not self.finished:
                self._stopped(error)
            return
        if self.finished:
            return
        if response is not None:
            self.route.chain.count[self.passed]("answered")
            self.answer(response)
            return
        self.passed += 1
        self._client.release(WAITING)
        if not self.finished:
            self._ask()

    def _gather(self, limit: int) -> None:
        """The next middleware wants to see the body: it is asked when all of it is there."""
        self._wants_body = False
        if max(self.request.content_length or 0, self.received) > limit:
            self._too_long(limit)
        elif self.request_ended:
            self._seen()
        else:
            self._gathering = limit
            if self.expects_continue:
                self._client.interim(100, Headers())
                self.request.expect = b""

    def _seen(self) -> None:
        """The body is whole."""
        self.request.body = b"".join(self._pending or ())
        self._ask()

    def _too_long(self, limit: int) -> None:
        """More than a middleware can look at: refused, unless it is only tried."""
        self._gathering = 0
        if self.route.chain.body_required:
            self._stopped(ClientError(413, f"more than the {limit} bytes that a middleware looks at"))
        else:
            self._ask()

    def _let_through(self, chain: Chain) -> None:
        """Nobody minds."""
        if chain.gives_way is not None:
            self._own = chain.gives_way.sub(b"", self._own)
        if chain.request_body and self.request.content_length != 0:
            self._filter_request()

    def _stopped(self, error: Exception) -> None:
        """A step of the chain refused, or failed."""
        count = self.route.chain.count
        if self.passed < len(count):
            count[self.passed]("refused" if isinstance(error, GatewayError) else "failed")
        self._fault(error)

    def _filter_request(self) -> None:
        """Make this request's body filters, and pass through them what came while the chain was waiting."""
        filters = Filters(self._body_filters())
        if not filters:
            return
        self._request_filters = filters
        if self._pending is not None:
            pieces = [filters.feed(data) for data in self._pending]
            if self.request_ended:
                pieces.append(filters.flush())
            self._pending = [piece for piece in pieces if piece]

    def _body_filters(self) -> Iterator[BodyFilter]:
        """Those that middlewares want for this request."""
        return (made for hook in self.route.chain.request_body if (made := hook(self.request)))

    def _fault(self, error: Exception) -> None:
        """A middleware refused, or has a bug: the one is an answer, the other is logged and becomes 500."""
        if isinstance(error, GatewayError):
            self.fail(error)
            return
        _log.error("a middleware failed", extra={"route": self.route.name}, exc_info=error)
        self.error = f"{type(error).__name__} in a middleware"
        self._refuse(500)
