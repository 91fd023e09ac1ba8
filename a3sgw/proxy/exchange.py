"""One request and its response: asks the chain, chooses an endpoint, and passes bytes both ways.

On the warm path (a kept connection, no suspending middleware) everything here is plain calls made from within
``data_received`` of one side or the other: no task, no future, no coroutine. `Running` is what is known of it,
`Deciding` asks the middlewares, `Answering` and `Upgrading` bring answers to the client; here the request goes to its
endpoint.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import cast

from a3sgw.errors import NoEndpoint, UpstreamError
from a3sgw.http.encode import request_head
from a3sgw.plan import MOST_REDISPATCHES
from a3sgw.proxy.seam import SLOW, WAITING
from a3sgw.proxy.trailers import safe_trailers
from a3sgw.proxy.upgrading import Upgrading
from a3sgw.retry_policy import IDEMPOTENT
from a3sgw.tasks import spawn
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint

_log = logging.getLogger("a3sgw.proxy")


class Exchange(Upgrading):
    """The plain one; see `Careful` for routes that ask for more."""

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

    # Losing it...

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
