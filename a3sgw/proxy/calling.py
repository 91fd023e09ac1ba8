"""A TCP connection that has a route: finds an endpoint for it, and leaves the rest to a tunnel."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from a3sgw.errors import ConnectionLost, UpstreamError
from a3sgw.http.message import Request
from a3sgw.http.secured import Secured
from a3sgw.middlewares.base import Middleware
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.tcp_route import TcpRoute
from a3sgw.proxy.tunnel import Tunnel
from a3sgw.proxy_protocol import encode_v1, encode_v2
from a3sgw.routing.tcp import Visitor
from a3sgw.service.choice import Choice
from a3sgw.service.visit import Visit
from a3sgw.sweeper import NEVER
from a3sgw.tasks import spawn
from a3sgw.tls.postgres import ACCEPTANCE, SSL_REQUEST

_log = logging.getLogger("a3sgw.proxy")
_EARLY = 65536
"""Bytes of a client that are read before there is an endpoint."""
_ANSWER = 5.0
"""Seconds, at most, for the answer to an SSLRequest: it is one byte, and nothing has to be looked up for it."""


class Listener(asyncio.Protocol):
    """The endpoint's side until there is a tunnel: keeps what the endpoint says first."""

    def __init__(self) -> None:
        self._has_halves = True
        """Whether its connection may end on one side only."""
        self.early = b""
        self.ended = False
        self.heard: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._has_halves = cast(asyncio.Transport, transport).can_write_eof()

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        self.early += data
        self._tell()

    def eof_received(self) -> bool:
        """asyncio.Protocol; the tunnel does not hear it again, so it is remembered."""
        self.ended = True
        self._tell()
        return self._has_halves

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self.ended = True
        self._tell()

    def _tell(self) -> None:
        if self.heard is not None and not self.heard.done():
            self.heard.set_result(None)


class Call(asyncio.Protocol):
    """In the gate's connections from the moment it has a route; what observers read is complete when it has ended."""

    needs_goodbye = True
    """As a tunnel (see `Side`)."""

    def __init__(
        self,
        gate: Gate,
        route: TcpRoute,
        transport: asyncio.Transport,
        peer: tuple[str, int],
        early: bytes,
        visitor: Visitor,
        secured: Secured | None,
    ) -> None:
        self.gate = gate
        self.route: TcpRoute | None = route
        """None once a tunnel has it, or it is over."""
        self._route = route
        self.deadline = NEVER
        self.peer = peer
        self.visitor = visitor
        self.secured = secured
        self.postgres = False
        """Whether the endpoint has to be asked for TLS first, as the gateway was."""
        self.endpoint = ""
        """URL of the endpoint it was, or would have been, connected to."""
        self.seconds = 0.0
        self.received = 0
        self.sent = 0
        self.reason = ""
        """Why it ended."""
        self.error = ""
        """The same as an error; empty when it was none."""
        self.attempts = 0
        self._transport = transport
        self._early = early
        self._started = gate.sweeper.now
        self._client_ended = False
        self._passed: tuple[Middleware[Any], ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        request = Request()
        request.peer_ip = request.client_ip = peer[0]
        self._visit = Visit(route.node, route.plans, request)

    def __repr__(self) -> str:
        return f"<Call [{self.peer[0]} → {self._route.name}, {self.reason or 'running'}]>"

    # Before the tunnel...

    def begin(self) -> None:
        """Ask the middlewares, then connect; little is read of the client meanwhile, to see when it leaves."""
        transport = self._transport
        transport.set_protocol(self)
        if self._route.doors:
            passed = self._route.doors.accept(self.peer[0])
            if passed is None:
                self.gate.metrics.refuse("filter")
                self._over("filter", "a middleware refused")
                return
            self._passed = passed
        self._task = spawn(self._connect(), "connect")

    async def _connect(self) -> None:
        visit = self._visit
        while True:
            choice = visit.next()
            if isinstance(choice, UpstreamError):
                self._fail(choice)
                return
            self.endpoint = choice.endpoint.url
            plan = self._route.ways[choice.service].plan
            try:
                transport, listener = await choice.endpoint.pool.dial(Listener, plan.connect_timeout)
                if self.postgres:
                    await self._ask_for_tls(transport, listener, min(plan.connect_timeout, _ANSWER))
            except UpstreamError as error:
                _log.warning("endpoint not reached", extra={"endpoint": self.endpoint, "why": error.reason})
                visit.not_reached(error)
            else:
                break
        visit.reached()
        if self._ended:
            transport.abort()
            visit.over(None)
        else:
            self._join(transport, listener, choice)

    async def _ask_for_tls(self, transport: asyncio.Transport, listener: Listener, seconds: float) -> None:
        """The client has been told that it may speak TLS; now the endpoint has to allow it too."""
        listener.heard = asyncio.get_running_loop().create_future()
        transport.write(SSL_REQUEST)
        try:
            async with asyncio.timeout(seconds):
                await listener.heard
        except TimeoutError:
            transport.abort()
            raise ConnectionLost("no answer to an SSLRequest") from None
        except asyncio.CancelledError:
            transport.abort()
            raise
        if listener.early != ACCEPTANCE:
            transport.abort()
            raise ConnectionLost("the endpoint does not speak TLS")
        listener.early = b""

    def _join(self, transport: asyncio.Transport, listener: Listener, choice: Choice) -> None:
        way = self._route.ways[choice.service]
        if way.proxy_protocol:
            transport.write(self._header(way.proxy_protocol))
        tunnel = Tunnel(self.gate.sweeper, way.terms, self._route, self._tunnel_ended)
        tunnel.started = self._started
        self._visit.answered()  # being there is what can be said of an endpoint; what it says is its own affair
        self._route.metrics.opened()
        self.gate.replace(self, tunnel)
        self.route = None
        early, self._early = self._early, b""
        tunnel.join(self._transport, transport, early, listener.early)
        if self.gate.switch is None or not self.gate.switch.has(self._route):  # a reload came in between
            tunnel.retire(tunnel.terms.drain_timeout)
        for ended, side in ((listener.ended, tunnel.endpoint), (self._client_ended, tunnel.client)):
            if ended and not side.lost:
                side.eof_received()

    def _header(self, version: str) -> bytes:
        here = self._transport.get_extra_info("sockname")
        local = (here[0], here[1]) if isinstance(here, tuple) else ("", 0)
        encode = encode_v1 if version == "v1" else encode_v2
        return encode(self.peer, local) if self.peer[0] and local[0] else encode(None, None)

    # The end...

    def _tunnel_ended(self, tunnel: Tunnel) -> None:
        self.seconds, self.received, self.sent = tunnel.seconds, tunnel.received, tunnel.sent
        self.reason = tunnel.reason
        self._route.metrics.over(self.reason, self.seconds, self.received, self.sent)
        if self.reason in ("reset", "idle", "total"):
            self.error = self.reason
        elif tunnel.bare:
            self.error = "no close_notify"
        self.gate.leave(tunnel)
        self._visit.over(False)
        self._finish()

    def _fail(self, error: UpstreamError) -> None:
        self._visit.over(True)
        self._over(type(error).__name__, f"{type(error).__name__}: {error.reason}")

    def _over(self, reason: str, error: str) -> None:
        """It ends without ever having had an endpoint."""
        if self._ended:
            return
        self.reason, self.error = reason, error
        self._route.metrics.refused(reason)
        self.seconds = self.gate.sweeper.now - self._started
        self._transport.close()
        self.gate.leave(self)
        self._finish()

    def _finish(self) -> None:
        if not self._ended:
            self._ended = True
            self.route = None
            self.attempts = self._visit.attempts
            for door in self._passed:
                door.closed(self.peer[0])
            for observe in self._route.observe:
                observe(self)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol: what there is to say to the endpoint once it is there."""
        self._early += data
        if len(self._early) > _EARLY:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """asyncio.Protocol; the tunnel does not hear it again, so it is remembered."""
        self._client_ended = True
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol: the client has left before there was an endpoint."""
        if self._task is not None and not self._ended:
            self._task.cancel()
            self._visit.over(None)
            self._over("client closed", "the client left")
        self.gate.leave(self)

    def overdue(self) -> None:
        """Connecting has limits of its own."""

    def drain(self, seconds: float) -> None:
        """It may still get its endpoint, and then ends like all others."""

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
