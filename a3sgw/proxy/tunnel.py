"""Two connections wired across: what one side says the other hears, until both have ended.

Nothing here knows what is spoken: TCP routers use it as it is, HTTP ends in it after an upgrade.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from random import uniform
from typing import Any, cast

from a3sgw.plan import NO_LIMIT
from a3sgw.sweeper import NEVER, Sweeper
from a3sgw.unsent import unsent

_CLOSING = 5.0
"""Seconds in which a side has to take something of what is left for it, once its connection is to close."""
_MARGIN = 0.8
"""Part of the time until the cut that may be used: a goodbye has to arrive, too."""
_ABORT = b"\1\0\0\0\0\0\0\0"  # struct linger: on, no seconds


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a tunnel may last; times are seconds. One object serves all tunnels of a route."""

    idle: float = NO_LIMIT
    """Without a byte in either direction."""
    total: float = NO_LIMIT
    """In all."""
    termination_delay: float = 0.1
    """Silence allowed to one side once the other has said everything."""
    drain_timeout: float = 30.0
    """Once its route is overtaken or its entrypoint goes away; each tunnel ends at a moment of its own in the second
    half, so that not all clients come back at once."""
    goodbye: bytes = b""
    """Said to the client before that end."""


class Side(asyncio.Protocol):
    """One of the two connections; `bytes` counts what has come from it."""

    __slots__ = ("bytes", "ended", "lost", "other", "transport", "tunnel", "write")
    needs_goodbye = True
    """With TLS: nothing but a goodbye tells that what came is whole."""

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport, other: asyncio.Transport) -> None:
        self.tunnel = tunnel
        self.transport = transport
        self.other = other
        self.write: Callable[[bytes], None] = other.write
        self.bytes = 0
        self.ended = False
        """It says no more."""
        self.lost = False

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        self.bytes += len(data)
        tunnel = self.tunnel
        tunnel.touched = tunnel.sweeper.now
        self.write(data)

    def eof_received(self) -> bool:
        """asyncio.Protocol; some transports, those of event loops for TLS, know no half of a connection."""
        self.ended = True
        self.tunnel.half_ended(self)
        return self.transport.can_write_eof()

    def pause_writing(self) -> None:
        """This side reads slowly: the kernel holds the other one back (asyncio.BaseProtocol)."""
        self.tunnel.slow(self)

    def resume_writing(self) -> None:
        """It has caught up (asyncio.BaseProtocol)."""
        self.tunnel.ready(self)

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self.tunnel.lost(self, error)


class Tunnel:
    """A client and an endpoint. Its owner has it watched by `sweeper`, and learns of its end by `on_end`, once."""

    __slots__ = (
        "_broken",
        "_closing",
        "_on_end",
        "_retired",
        "_unsent",
        "_until",
        "bare",
        "client",
        "deadline",
        "endpoint",
        "reason",
        "route",
        "seconds",
        "started",
        "sweeper",
        "terms",
        "touched",
    )
    side: type[Side] = Side

    def __init__(self, sweeper: Sweeper, terms: Terms, route: Any, on_end: Callable[[Any], None]) -> None:
        self.sweeper = sweeper
        self.terms = terms
        self.route = route
        """Whatever the owner calls a route; a reload asks for it."""
        self.client: Side = cast(Side, None)
        self.endpoint: Side = cast(Side, None)
        self.bare = False
        """Whether the side that ended it did so without the goodbye that TLS has for that."""
        self.reason = ""
        """Why it ended: "client closed", "endpoint closed", "reset", "idle", "total", "reload" or "shutdown"."""
        self.started = self.touched = sweeper.now
        """When the last byte came."""
        self.seconds = 0.0
        """How long it took, once it has ended."""
        self.deadline = NEVER
        self._on_end = on_end
        self._until = self.started + terms.total
        self._retired = ""
        """Why it ends at `_until`, if not by its total limit."""
        self._closing = False
        self._broken = False
        self._unsent = -1
        """Bytes the two sides had not taken at the last look; -1 when nothing has been seen since then."""

    def __repr__(self) -> str:
        return f"<Tunnel [{self.received} received, {self.sent} sent, {self.reason or 'open'}]>"

    @property
    def received(self) -> int:
        """Bytes from the client."""
        return self.client.bytes if self.client is not None else 0

    @property
    def sent(self) -> int:
        """Bytes from the endpoint."""
        return self.endpoint.bytes if self.endpoint is not None else 0

    # Passing on...

    def join(
        self,
        client: asyncio.Transport,
        endpoint: asyncio.Transport,
        early_from_client: bytes = b"",
        early_from_endpoint: bytes = b"",
        client_is_slow: bool = False,
    ) -> None:
        """Take over both connections, with what has been read of them already; neither may have lost its protocol's
        `connection_lost` to another one. `client_is_slow` when its transport has called `pause_writing` last."""
        self.client = self.side(self, client, endpoint)
        self.endpoint = self.side(self, endpoint, client)
        client.set_protocol(self.client)
        endpoint.set_protocol(self.endpoint)
        self.deadline = min(self.touched + self.terms.idle, self._until)
        if early_from_client:
            self.client.data_received(early_from_client)
        if early_from_endpoint:
            self.endpoint.data_received(early_from_endpoint)
        if client.is_closing():
            self.lost(self.client, None)
            return
        client.resume_reading()
        if endpoint.is_closing():
            self.lost(self.endpoint, None)
        elif client_is_slow:
            endpoint.pause_reading()
        else:
            endpoint.resume_reading()

    def _across(self, side: Side) -> Side:
        return self.endpoint if side is self.client else self.client

    def slow(self, side: Side) -> None:
        """`side` takes bytes slower than the other one sends them."""
        if not self._closing:
            self._unsent = self._left()
            other = self._across(side)
            if not other.ended:
                other.transport.pause_reading()

    def ready(self, side: Side) -> None:
        """It has caught up."""
        self.touched = self.sweeper.now
        if not self._closing:
            other = self._across(side)
            if not other.ended and not other.transport.is_closing():
                other.transport.resume_reading()

    def _left(self) -> int:
        """Bytes on their way to either side."""
        return sum(unsent(side.transport) for side in (self.client, self.endpoint) if not side.lost)

    # Ending...

    def half_ended(self, side: Side) -> None:
        """`side` has said everything; the other may go on as long as it is not silent for long."""
        if not self.reason and not side.transport.get_extra_info("close_notify", True):
            self.bare = True
        self._because("client closed" if side is self.client else "endpoint closed")
        other = self._across(side)
        if other.ended:
            self._close()
            return
        if other.transport.can_write_eof() and not other.transport.is_closing():
            other.transport.write_eof()
        self.touched = self.sweeper.now
        self.deadline = min(self.touched + self._patience, self._until)

    @property
    def _patience(self) -> float:
        """Seconds without a byte that end it."""
        idle = self.terms.idle
        return min(idle, self.terms.termination_delay) if self.client.ended or self.endpoint.ended else idle

    def lost(self, side: Side, error: Exception | None) -> None:
        """The connection of `side` has closed, or broken."""
        broke = error is not None and not side.ended  # what comes after a clean end takes nothing back
        side.ended = side.lost = True
        other = self._across(side)
        if broke:
            self._because("reset")
        else:
            self._because("client closed" if side is self.client else "endpoint closed")
        if other.lost:
            self._over()
        elif broke:
            self._closing = self._broken = True
            self._until = self.sweeper.now + _CLOSING
            self._unsent = self._left()
            self._let_leave()
        else:
            self._close()

    def _let_leave(self) -> None:
        """Reset what is left once it has got all that came before the other one broke, or takes no more of it."""
        before, self._unsent = self._unsent, self._left()
        now = self.sweeper.now
        if self._unsent < before:
            self._until = now + _CLOSING
        self.deadline = 0.0  # look at every sweep
        if not self._unsent or now >= self._until:
            self.abort()

    def _because(self, reason: str) -> None:
        self.reason = self.reason or reason

    def _close(self) -> None:
        """Close both once everything written has left, or after a while."""
        if self._closing:
            return
        self._closing = True
        self._unsent = self._left()
        self.deadline = self.sweeper.now + _CLOSING
        for side in (self.client, self.endpoint):
            if not side.lost:
                side.transport.close()

    def _over(self) -> None:
        if self._on_end is _nothing:
            return
        on_end, self._on_end = self._on_end, _nothing
        self.deadline = NEVER
        self.seconds = max(asyncio.get_running_loop().time() - self.started, 0.0)
        on_end(self)
        for side in (self.client, self.endpoint):
            side.tunnel = cast(Tunnel, None)  # no cycle is left for the garbage collector

    def overdue(self) -> None:
        """The sweeper's call: it may be over, or only be time to look again."""
        now = self.sweeper.now
        if self._broken:
            self._let_leave()
        elif self._closing:
            if self._takes_bytes():
                self.deadline = now + _CLOSING
            else:
                self.abort()
        elif now >= self._until:
            self._end(self._retired or "total")
        elif self.touched + self._patience > now:
            self._unsent = -1
            self._look_again()
        elif self._takes_bytes():
            self.touched = now
            self._look_again()
        else:
            self._because("idle")
            self._close()

    def _look_again(self) -> None:
        self.deadline = min(self.touched + self._patience, self._until)

    def _takes_bytes(self) -> bool:
        """Whether a side that is slow has taken anything since the last look: slow is not the same as idle."""
        before, self._unsent = self._unsent, self._left()
        return self._unsent > 0 and (before < 0 or self._unsent < before)

    def _end(self, reason: str) -> None:
        """It is time; both are told, if they can be."""
        self._because(reason)
        if self.terms.goodbye and reason in ("reload", "shutdown") and not self.client.transport.is_closing():
            self.client.transport.write(self.terms.goodbye)
        self._close()

    def retire(self, seconds: float, reason: str = "reload") -> None:
        """Its route is overtaken, or its entrypoint goes away: it ends in the second half of this time, or at once
        when there is none. What is said twice holds as it was said first, unless it comes to an earlier end."""
        if seconds <= 0:
            if not self._closing:
                self._end(reason)
            return
        at = self.sweeper.now + uniform(seconds / 2, seconds)  # noqa: S311 - spreads load, keeps no secret
        if self._closing or (self._retired and self._until <= self.sweeper.now + seconds):
            return
        if at < self._until:
            self._until = at
            self._retired = reason
            self.deadline = min(self.deadline, at)

    def drain(self, seconds: float = 0.0) -> None:
        """The entrypoint closes, and what is left after `seconds` will be cut."""
        self.retire(min(self.terms.drain_timeout, seconds * _MARGIN), "shutdown")

    def abort(self) -> None:
        """Close both at once."""
        self._because("shutdown")
        self._closing = True
        for side in (self.client, self.endpoint):
            if not side.lost:
                _reset(side.transport)


Make = Callable[[Sweeper], Tunnel]
"""Makes a tunnel that has still to be joined."""


def _nothing(tunnel: Tunnel) -> None:
    """What is called at the end of a tunnel that has ended before."""


def _reset(transport: asyncio.Transport) -> None:
    """So that what ends here cannot pass for something whole."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    transport.abort()
