"""What is known of endpoints, told by one version of the gateway to the next: an upgrade undoes no drain."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from a3sgw.control.channel import Channel
from a3sgw.control.messages import (
    BadMessage,
    BreakerState,
    Ejection,
    EndpointDrain,
    EndpointWeight,
    Pushed,
    decode,
    encode,
)
from a3sgw.control.pushed import State
from a3sgw.encoding import DecodeError, json

InFlight = dict[str, dict[str, int]]
_log = logging.getLogger("a3sgw.supervisor")
_ALL_TOLD = b""
"""Comes after what was known at the start; later news follow it."""
_RUNNING = b"\0running"
"""Begins a count of the requests that the version before still has; no message begins so."""
_PATIENCE = 5.0
"""Seconds in which all of that must have come; the version before has sent it before this one was started."""


class Legacy:
    """Tells all that `state` knows, and what comes until `close`: the version before may be told something as long as
    it answers at the management address."""

    def __init__(self, end: socket.socket, state: State) -> None:
        self._state = state
        self._channel = Channel(end, lambda body, descriptors: None, lambda reason: None)
        for message in state.all():
            self._tell(message)
        self._channel.send(_ALL_TOLD)
        state.listeners.append(self._tell)

    def running(self, in_flight: InFlight) -> None:
        """How many requests there are at each endpoint, by service and URL: they are at the endpoints whoever asks."""
        self._channel.send(_RUNNING + json.encode(in_flight))

    def _tell(self, message: Pushed) -> None:
        """What would not be found out again: names are resolved and endpoints probed by each version itself."""
        if isinstance(message, EndpointDrain | EndpointWeight | Ejection | BreakerState):
            self._channel.send(encode(message))

    def close(self) -> None:
        """Tell nothing more."""
        if self._tell in self._state.listeners:
            self._state.listeners.remove(self._tell)
        self._channel.close()


class Heir:
    """Hears what a `Legacy` of another version tells, until that closes; `push` is given every message.

    What it does not understand it ignores: the other one may know of more, or speak in another way.
    """

    def __init__(self, end: socket.socket, push: Callable[[Pushed], None]) -> None:
        self._push = push
        self.in_flight: InFlight = {}
        """Requests that the version before has at each endpoint, by service and URL, as it has said last."""
        self._told = asyncio.Event()
        self._channel = Channel(end, self._hear, self._lost)

    async def told(self) -> None:
        """Wait for what was known at the start; if that does not come, it is done without."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._told.wait()
                return
        _log.warning("the version before has not told what it knows of endpoints")

    def close(self) -> None:
        """Hear nothing more."""
        self._channel.close()

    def _hear(self, body: bytes, descriptors: list[int]) -> None:
        if body == _ALL_TOLD:
            self._told.set()
            return
        if body.startswith(_RUNNING):
            with suppress(DecodeError):
                self.in_flight = json.decode(body.removeprefix(_RUNNING), type=InFlight)
            return
        with suppress(BadMessage):
            message = decode("down", body)
            if isinstance(message, EndpointDrain | EndpointWeight | Ejection | BreakerState):
                self._push(message)

    def _lost(self, reason: str) -> None:
        self.in_flight = {}
        if not self._told.is_set():
            _log.warning("what the version before knows of endpoints is lost: %s", reason)
            self._told.set()
