"""A 101: the endpoint agrees to speak another protocol, and the exchange becomes a tunnel that it counts and logs."""

from __future__ import annotations

from time import monotonic
from typing import cast

from a3sgw.errors import ConnectionLost
from a3sgw.http.message import Response
from a3sgw.http.response import Incoming
from a3sgw.plan import NO_LIMIT
from a3sgw.proxy.answering import Answering
from a3sgw.proxy.parked import Parked
from a3sgw.proxy.tunnel import Terms, Tunnel
from a3sgw.proxy.websocket import WebSocketTunnel
from a3sgw.sweeper import Sweeper
from a3sgw.tasks import spawn
from a3sgw.upstream.seam import Switchable

_HALF_CLOSED = 5.0
"""Seconds of silence allowed to one side of an upgraded connection once the other has said everything."""
_IN_ORDER = frozenset({"client closed", "endpoint closed"})
"""Ends of a tunnel that are nobody's fault."""


class Upgrading(Answering):
    """Response steps see the 101 as any other answer; observers and `done` steps are told when the tunnel has ended."""

    _parked: Parked | None = None
    """The endpoint's connection, while response steps are asked."""

    def _has_asked(self, incoming: Incoming) -> bool:
        """Whether it is one of the protocols that the client named, and no other."""
        protocol = incoming.upgrade.lower()
        return protocol != b"" and protocol in [one.strip() for one in self.request.upgrade.lower().split(b",")]

    def on_switch(self, origin: Switchable, incoming: Incoming, rest: bytes) -> bool:
        """The endpoint changes the protocol."""
        if not self._has_asked(incoming):
            return False
        self.upstream_seconds = monotonic() - self.started
        self._origin = None
        self._parked = Parked(origin.detach(), rest)
        self.response = incoming
        try:
            waits = self._respond(0) if self.route.chain.response else None
        except Exception as error:
            self._fault(error)
            return True
        if waits is None:
            self._switch(incoming)
        else:
            self._awaited = waits
            self._waiting = spawn(self._switch_waiting(incoming), "response chain")
        return True

    async def _switch_waiting(self, incoming: Incoming) -> None:
        try:
            if not await self._responded():
                return
        except Exception as error:
            if not self.finished:
                self._fault(error)
            return
        if cast(Parked, self._parked).lost:
            self._leave()
            self.fail(ConnectionLost("the endpoint closed after its 101"))
        else:
            self._switch(incoming)

    def _switch(self, incoming: Incoming) -> None:
        """Nobody minds; or a response step has put another answer in its place."""
        response = cast(Response, self.response)
        if response is not incoming or response.status != 101:
            self._abandon()
            self._answer_now(response)
            return
        parked, self._parked = cast(Parked, self._parked), None
        self.status = 101
        self.request.learn("upgraded", incoming.upgrade.decode("latin-1"))
        self._client = self._client.switch(response, incoming.upgrade, self._tunnel, parked.transport, parked.data)
        self.response = None

    def _tunnel(self, sweeper: Sweeper) -> Tunnel:
        protocol = cast(Incoming, self.response).upgrade.lower()
        plan, farewell = self.plan, self.route.farewell
        total = plan.stream_total_timeout
        if plan.total_timeout_for_streams and plan.total_timeout != NO_LIMIT:
            total = min(total, max(plan.total_timeout - (monotonic() - self.started), 0.0))
        terms = Terms(plan.stream_idle_timeout, total, _HALF_CLOSED, farewell.drain_timeout)
        kind = WebSocketTunnel if farewell.close_frame and protocol == b"websocket" else Tunnel
        return kind(sweeper, terms, self.route, self._ended)

    def _ended(self, tunnel: Tunnel) -> None:
        self.received, self.sent = tunnel.received, tunnel.sent
        if tunnel.reason not in _IN_ORDER:
            self.error = f"tunnel ended: {tunnel.reason}"
        self._leave()
        self.finish()

    def _abandon(self) -> None:
        parked, self._parked = self._parked, None
        if parked is not None:
            parked.transport.abort()
        super()._abandon()
