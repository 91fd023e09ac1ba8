"""The answer's way to the client, an endpoint's or the gateway's own, through those who look at it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from time import monotonic
from typing import cast

from a3sgw.errors import ClientError, GatewayError, UpstreamError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.http.response import CHUNKED, Incoming
from a3sgw.proxy.deciding import Deciding
from a3sgw.proxy.filters import Filters
from a3sgw.proxy.refusal import refusal
from a3sgw.proxy.seam import WAITING
from a3sgw.proxy.trailers import safe_trailers
from a3sgw.tasks import spawn, unless_cancelled
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint

_log = logging.getLogger("a3sgw.proxy")
_REST_TIMEOUT = 1.0
"""Seconds for the rest of an answer that nobody wants."""
_RELAYED_INTERIM = frozenset({102, 103})


class Answering(Deciding):
    """Called by the endpoint's connection; an answer that came in one piece has the shortest way."""

    def on_interim(self, status: int, headers: Headers) -> None:
        """Relay what HTTP/1.1 clients understand; anything else of 1xx is ignored (RFC 9110 §15.2)."""
        if status in _RELAYED_INTERIM or (status == 100 and self.request.expect):
            self._client.interim(status, headers)

    def on_whole(self, incoming: Incoming, body: bytes) -> None:
        """The endpoint's answer, all of it: what most small responses are, so it gets the shortest way."""
        self.upstream_seconds = monotonic() - self.started
        self._origin = None
        self._counted = False
        cast(Endpoint, self.endpoint).in_flight -= 1
        if not self.only_reads:
            self._deliver(incoming, body)
            return
        response: Response = incoming
        self.response = response
        self.status = response.status
        self.sent = len(body)
        self._client.send_whole(response, body)
        self.finish()

    def _deliver(self, incoming: Incoming, body: bytes) -> None:
        """A whole answer, through those who look at answers."""
        self.response = incoming
        chain = self.route.chain
        try:
            waits = self._respond(0) if chain.response else None
            if waits is None and (chain.response_body or self.response is not incoming):
                body = self._filtered(incoming, body)
        except Exception as error:
            self._fault(error)
            return
        if waits is not None:
            self._held = [body, b""] if body else [b""]
            self._awaited = waits
            self._waiting = spawn(self._respond_waiting(incoming), "response chain")
            return
        self._send_all(incoming, body)

    def _send_all(self, incoming: Incoming, body: bytes) -> None:
        """An answer that is there as a whole."""
        response = cast(Response, self.response)
        self.status = response.status
        self.sent = len(body)
        if response is incoming:
            self._client.send_whole(response, body)
        else:
            self._client.send(response, len(body), True)
            if body:
                self._client.write(body)
            self._client.end(b"")
        self.finish()

    def _filtered(self, incoming: Incoming, body: bytes) -> bytes:
        """What the body becomes, and the length that the head says."""
        response = cast(Response, self.response)
        if response is not incoming:
            body = response.body
            if response.status not in (204, 304):
                response.headers.set(b"Content-Length", b"%d" % len(body))
            if self._is_bodiless(response):
                return b""
        if body and self.route.chain.response_body:
            hooks = self.route.chain.response_body
            filters = Filters(one for hook in hooks if (one := hook(self.request, response)))
            if filters:
                body = filters.feed(body) + filters.flush()
                response.headers.set(b"Content-Length", b"%d" % len(body))
        return body

    def _is_bodiless(self, response: Response) -> bool:
        return self.request.method == b"HEAD" or response.status in (204, 304)

    def on_head(self, incoming: Incoming, more: bool) -> None:
        """The endpoint's answer begins."""
        self.upstream_seconds = monotonic() - self.started
        self.response = incoming
        if not self.route.chain.responds:
            self._send_head(incoming, incoming, incoming.length, more)
            return
        try:
            waits = self._respond(0)
            if waits is None:
                self._send_filtered(incoming, more)
                return
        except Exception as error:
            self._fault(error)
            return
        self._held = []
        cast(Upstream, self._origin).pause_reading()
        self._awaited = waits
        self._waiting = spawn(self._respond_waiting(incoming), "response chain")

    def _respond(self, first: int) -> Awaitable[Response | None] | None:
        """Run the response steps of those that let it pass, from this one on; what one that waits is waiting for."""
        steps = self.route.chain.response
        request, response, mine = self.request, cast(Response, self.response), self.passed
        for passed, step in steps[first:] if first else steps:
            first += 1
            if passed <= mine:
                result = step(request, response)
                if result is not None:
                    if not isinstance(result, Response):
                        self._next_step = first
                        return result
                    self.response = response = result
        return None

    async def _respond_waiting(self, incoming: Incoming) -> None:
        """The same with steps that wait; what comes meanwhile is held, and reading is paused."""
        result, self._awaited = self._awaited, None
        try:
            while result is not None:
                response = await unless_cancelled(result)
                if self.finished or self._held is None:  # the endpoint failed meanwhile: another answer is under way
                    return
                self.response = response or self.response
                result = self._respond(self._next_step)
            held, self._held = self._held or [], None
            self._send_filtered(incoming, bool(held))
        except Exception as error:
            if not self.finished:
                self._fault(error)
            return
        origin = self._origin
        for data in held:
            if self.finished:
                return
            if data:
                self.on_body(data)
            else:
                self.on_end(self._held_trailers)
        if origin is not None and self._hears(origin):
            origin.resume_reading()

    def _send_filtered(self, incoming: Incoming, more: bool) -> None:
        """The head to the client, as response steps left it, with the length that body filters leave."""
        response = cast(Response, self.response)
        if response is not incoming:
            body = self._filtered(incoming, b"")
            self._dismiss()
            self._send_all(incoming, body)
            return
        length = incoming.length
        hooks = self.route.chain.response_body if length else ()
        filters = Filters(one for hook in hooks if (one := hook(self.request, response)))
        if filters:
            self._response_filters = filters
            length = filters.length_after(length)
            if length == CHUNKED:
                response.headers.remove(b"Content-Length")
            elif not filters.keeps_length:
                response.headers.set(b"Content-Length", b"%d" % length)
        self._send_head(incoming, response, length, more and not filters)

    def _dismiss(self) -> None:
        """Nobody wants the rest of the endpoint's answer; what is left is read, up to a limit, so that its connection
        may be used again."""
        origin = self._origin
        self._leave()
        if origin is not None and self._hears(origin):
            self._unwanted = origin
            origin.resume_reading()
            origin.hurry(_REST_TIMEOUT)

    def _throw_away(self, data: bytes) -> None:
        """A piece of what nobody wants."""
        self._patience -= len(data)
        if self._patience < 0 and self._unwanted is not None:
            unwanted, self._unwanted = self._unwanted, None
            unwanted.abort()

    def _send_head(self, incoming: Incoming, response: Response, length: int, more: bool) -> None:
        self.status = response.status
        if incoming.trailer and length == CHUNKED and b"trailers" in self.request.te:
            response.headers.add(b"Trailer", incoming.trailer)
        self._client.send(response, length, more)

    def on_body(self, data: bytes) -> None:
        """A piece of the response's body."""
        if self._held is not None:
            self._held.append(data)
            return
        if self.finished:
            self._throw_away(data)
            return
        if self._response_filters:
            try:
                data = self._response_filters.feed(data)
            except Exception as error:
                self._fault(error)
                return
            if not data:
                return
        self.sent += len(data)
        self._client.write(data)

    def on_last(self, data: bytes) -> None:
        """The last piece, which leaves together with the end if nobody looks at it."""
        if self._held is not None or self.finished or self._response_filters:
            self.on_body(data)
        else:
            self.sent += len(data)
            self._client.write_last(data)

    def on_end(self, trailers: bytes) -> None:
        """The response is whole."""
        if self._held is not None:
            self._held.append(b"")
            self._held_trailers = trailers
            return
        if self.finished:
            return
        if self._response_filters:
            try:
                tail = self._response_filters.flush()
            except Exception as error:
                self._fault(error)
                return
            if tail:
                self.sent += len(tail)
                self._client.write(tail)
        self._leave()
        if trailers:
            trailers = safe_trailers(trailers) if b"trailers" in self.request.te else b""
        self._client.end(trailers)
        self.finish()

    # The gateway's own...

    def answer(self, response: Response) -> None:
        """Answer without (or instead of) an endpoint; the response steps of those that let it pass still run."""
        self.response = response
        try:
            waits = self._respond(0)
        except Exception as error:
            self._cannot_respond(error)
            return
        if waits is None:
            self._answer_now(self.response)
            return
        if not self.request_ended:
            self._client.hold(WAITING)
        self._awaited = waits
        self._waiting = spawn(self._answer_waiting(), "response chain")

    async def _responded(self) -> bool:
        """Wait for the response step that is awaited, and for those behind it; False when it has ended meanwhile."""
        result: Awaitable[Response | None] | None
        result, self._awaited = self._awaited, None
        while result is not None:
            response = await unless_cancelled(result)
            if self.finished:
                return False
            self.response = response or self.response
            result = self._respond(self._next_step)
        return True

    async def _answer_waiting(self) -> None:
        try:
            if not await self._responded():
                return
        except Exception as error:
            if not self.finished:
                self._client.release(WAITING)
                self._cannot_respond(error)
            return
        self._client.release(WAITING)
        self._answer_now(cast(Response, self.response))

    def _cannot_respond(self, error: Exception) -> None:
        """A response step failed on an answer of the gateway itself: a plain one instead, through no more steps."""
        _log.error("a middleware failed", extra={"route": self.route.name}, exc_info=error)
        self._answer_now(refusal(500, self.request))

    def _answer_now(self, response: Response) -> None:
        self.response = response
        self.status = response.status
        body = response.body
        bodiless = self._is_bodiless(response)
        if response.status not in (204, 304):
            response.headers.set(b"Content-Length", b"%d" % len(body))
        self._client.send(response, 0 if bodiless else len(body), True)
        if body and not bodiless:
            self.sent += len(body)
            self._client.write(body)
        self._client.end(b"")
        self.finish()

    def fail(self, error: GatewayError) -> None:
        """An error of either side: an answer while there is still time, a visible break when there is not."""
        if self.finished:
            return
        self.error = f"{type(error).__name__}: {getattr(error, 'reason', error)}"
        status = error.status if isinstance(error, ClientError | UpstreamError) else 500
        self._refuse(status, error.fields if isinstance(error, ClientError | UpstreamError) else ())

    def _refuse(self, status: int, fields: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._abandon()
        if self.status == 0:  # no head has gone to the client yet
            self._held = None
            self.answer(refusal(status, self.request, fields))
        else:
            last = self._last_words(status)
            if not last or not self._client.cut(last):
                self._client.abort()
            self.finish()

    def _last_words(self, status: int) -> bytes:
        """What a filter has to say of a body that breaks off."""
        if self._response_filters is None or self._held is not None:
            return b""
        try:
            return self._response_filters.broken(status)
        except Exception as error:
            _log.error("a middleware failed", extra={"route": self.route.name}, exc_info=error)
            return b""
