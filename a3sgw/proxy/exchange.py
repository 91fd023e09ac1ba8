"""One request and its response: asks the chain, chooses an endpoint, and passes bytes both ways.

On the warm path (a kept connection, no suspending middleware) everything here is plain calls made from within
``data_received`` of one side or the other: no task, no future, no coroutine.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Awaitable, Iterator, Sequence
from time import monotonic
from typing import cast

from a3sgw.errors import ClientError, GatewayError, NoEndpoint, UpstreamError
from a3sgw.http.encode import request_head
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.response import CHUNKED, Incoming
from a3sgw.middlewares.base import BodyFilter
from a3sgw.proxy.filters import Filters
from a3sgw.proxy.refusal import refusal
from a3sgw.proxy.seam import SLOW, WAITING, Client
from a3sgw.proxy.trailers import safe_trailers
from a3sgw.retry_policy import IDEMPOTENT
from a3sgw.routing.chain import Chain
from a3sgw.routing.route import Route
from a3sgw.tasks import spawn, unless_cancelled
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint

_log = logging.getLogger("a3sgw.proxy")
_REST_TIMEOUT = 1.0
"""Seconds for the rest of an answer that nobody wants."""
MOST_REDISPATCHES = 8
"""Endpoints that may turn out to be unreachable for one request."""
_RELAYED_INTERIM = frozenset({102, 103})


class Exchange:
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

    # Deciding...

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

    # Sending the request...

    def _attempt(self) -> None:
        """Choose an endpoint and a connection to it, and send the request."""
        service = self.route.service
        endpoint = service.pick(self.request, self.tried) if service is not None else None
        if endpoint is None:
            self.fail(self._unreached or (service.nobody() if service is not None else NoEndpoint("no service")))
            return
        self.endpoint = endpoint
        self.attempts += 1
        self._counted = True
        endpoint.in_flight += 1
        pool = endpoint.pool
        origin = pool.take() if self.request.method == b"GET" else pool.take_live()
        if origin is not None:
            self._send(origin, endpoint)
        else:
            self._connect(endpoint)

    def _connect(self, endpoint: Endpoint) -> None:
        if not self.request_ended:
            self._client.hold(WAITING)
        self._waiting = spawn(self._connecting(endpoint), "connect")

    async def _connecting(self, endpoint: Endpoint) -> None:
        """A new connection, or none."""
        try:
            origin = await endpoint.pool.connect(self.plan.connect_timeout)
        except UpstreamError as error:
            if not self.finished:
                self._not_reached(endpoint, error)
        else:
            self._connected(origin, endpoint)

    def _not_reached(self, endpoint: Endpoint, error: UpstreamError) -> None:
        """The next endpoint, for nothing has been sent."""
        self._leave()
        self.tried = (*self.tried, endpoint)
        self._unreached = error
        if not self._may_redispatch():
            self.fail(error)
            return
        _log.warning("endpoint not reached", extra={"endpoint": endpoint.url, "why": error.reason})
        self._attempt()
        if self._origin is not None:
            self._client.release(WAITING)

    def _may_redispatch(self) -> bool:
        """Whether it is not yet time to give up: an outage of many endpoints must not become a storm of connections."""
        return len(self.tried) < MOST_REDISPATCHES and monotonic() - self.started < self.plan.request_timeout

    def _connected(self, origin: Upstream, endpoint: Endpoint) -> None:
        if self.finished:
            endpoint.pool.give(origin, None)
            return
        self._send(origin, endpoint)
        if not self.finished:
            self._client.release(WAITING)

    def _send(self, origin: Upstream, endpoint: Endpoint) -> None:
        """Write the head, and what has already come of the body."""
        request = self.request
        plan = self.plan
        own = self._own
        if request.content_length == 0 and not request.te and plan.pass_host_header and request.authority:
            self._origin = origin
            origin.send(self, request_head(request, own), request.method, False, True, plan)
            return
        if not (plan.pass_host_header and request.authority):
            request.headers.set(b"Host", endpoint.authority)
        chunked = False
        ended = self.request_ended and self._pending is None
        if request.content_length != 0:
            filters = self._request_filters
            if request.content_length is None or (filters is not None and not filters.keeps_length):
                request.headers.remove(b"Content-Length")
                own += b"Transfer-Encoding: chunked\r\n"
                chunked = True
                if request.trailer:
                    own += b"Trailer: %b\r\n" % request.trailer
            if request.expect:
                own += b"Expect: 100-continue\r\n"
        if request.te and b"trailers" in request.te:
            own += b"TE: trailers\r\nConnection: TE\r\n"
        self._origin = origin
        origin.send(self, request_head(request, own), request.method, chunked, ended, plan)
        pending, self._pending = self._pending, None
        if pending is not None:
            for data in pending:
                origin.write(data)
            if self.request_ended:
                origin.end(self._request_trailers)

    def on_request_body(self, data: bytes) -> None:
        """A piece of the request's body has come."""
        self.received += len(data)
        if self._gathering and self.received > self._gathering:
            self._too_long(self._gathering)
            if self.finished:
                return
        if self._request_filters:
            try:
                data = self._request_filters.feed(data)
            except Exception as error:
                self._fault(error)
                return
            if not data:
                return
        if self._origin is not None:
            self._origin.write(data)
        elif self._pending is not None:
            self._pending.append(data)
        else:
            self._pending = [data]

    def on_request_end(self, trailers: bytes) -> None:
        """The request's body is whole."""
        self.request_ended = True
        tail = b""
        if self._request_filters:
            try:
                tail = self._request_filters.flush()
            except Exception as error:
                self._fault(error)
                return
        trailers = self._request_trailers = safe_trailers(trailers) if trailers else trailers
        if self._origin is not None:
            if tail:
                self._origin.write(tail)
            self._origin.end(trailers)
        else:
            self._pending = (self._pending or []) + ([tail] if tail else [])
            if self._gathering:
                self._gathering = 0
                self._seen()

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        return self.request.expect != b"" and not self.request_ended and not self.received

    # Receiving the response...

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
        for index in range(first, len(steps)):
            passed, step = steps[index]
            if passed <= self.passed:
                result = step(self.request, cast(Response, self.response))
                if isinstance(result, Response):
                    self.response = result
                elif result is not None:
                    self._next_step = index + 1
                    return result
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
        if origin is not None and origin.sink is self:
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
        if origin is not None and origin.sink is self:
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

    def on_lost(self, error: UpstreamError, stale: bool) -> None:
        """The endpoint's connection broke. A kept one that was closed under us says nothing about the request: ask
        anew where that is harmless."""
        if self.finished:
            return
        self._origin = None
        if stale and self._may_ask_anew():
            _log.debug("kept connection was closed, asking again", extra={"request_id": self.request.id.decode()})
            self._connect(cast(Endpoint, self.endpoint))
        else:
            self._broken(error, stale)

    def _may_ask_anew(self) -> bool:
        """Whether sending it once more does no harm."""
        untouched = self.request_ended and not self.received and self.request.content_length == 0
        return untouched and self.request.method in IDEMPOTENT

    def _broken(self, error: UpstreamError, stale: bool) -> None:
        """There will be no answer, or no more of it."""
        self._leave()
        self.fail(error)

    # Slow sides...

    def pause(self) -> None:
        """The endpoint reads slowly."""
        if not self.finished:
            self._client.hold(SLOW)

    def resume(self) -> None:
        """It has caught up."""
        if not self.finished:
            self._client.release(SLOW)

    def on_client_slow(self) -> None:
        """The client reads slowly."""
        if self._origin is not None:
            self._origin.pause_reading()

    def on_client_ready(self) -> None:
        """It has caught up."""
        if self._origin is not None and self._held is None:
            self._origin.resume_reading()

    # Ending...

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

    async def _answer_waiting(self) -> None:
        result, self._awaited = self._awaited, None
        try:
            while result is not None:
                response = await unless_cancelled(result)
                if self.finished:
                    return
                self.response = response or self.response
                result = self._respond(self._next_step)
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
            self._client.abort()
            self.finish()

    def on_client_lost(self) -> None:
        """The client has left: nobody waits for the answer, so the endpoint need not work on it."""
        if self.finished:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        if self._awaited is not None and asyncio.iscoroutine(self._awaited):
            self._awaited.close()  # its task was not even begun
        self._abandon()
        self.error = self.error or "the client left"
        self.status = 499
        self.finish()

    def _abandon(self) -> None:
        """The endpoint need not go on with it."""
        origin = self._origin
        self._leave()
        if origin is not None and origin.sink is self:
            origin.abort()

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
