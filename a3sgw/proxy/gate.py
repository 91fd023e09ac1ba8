"""What all connections of one entrypoint share: options, table, limits. A reload replaces it in place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from copy import copy
from typing import Any, Protocol, runtime_checkable

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.http.request import HeadRules
from a3sgw.middlewares.base import Middleware
from a3sgw.networks import NetworkSet
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.plan import NO_LIMIT
from a3sgw.proxy.doors import Doors
from a3sgw.proxy.places import Counts, Places
from a3sgw.proxy.switch import Switch
from a3sgw.routing.table import Table
from a3sgw.sweeper import Sweeper, Timed
from a3sgw.tls.termination import Termination

PATIENCE = 1.0
"""Seconds an idle connection may stay open while its entrypoint goes away: a client that is busy asks again sooner and
is then told to come back on a new connection, so it never meets a closed one."""
_ROUNDS = 5
"""Rounds of the event loop within which a connection accepted before the socket was closed has shown up."""


class Connection(Timed, Protocol):
    """What a gate needs of a connection from a client."""

    @property
    def route(self) -> Any:
        """The route of what it runs now, which has a `name`; None between two exchanges."""

    def drain(self, seconds: float) -> None:
        """When idle close, now or after the gate's patience; when not, after the answer it owes. What is left after
        `seconds` will be cut."""

    def abort(self) -> None:
        """Close at once."""


@runtime_checkable
class Parting(Protocol):
    """A connection that may have to go because of its TLS."""

    def part(self, termination: Termination | None, farewell: Gate) -> None:
        """Unless its TLS is what `termination` asks for, it is one of `farewell` from now on, which is closing."""


def _termination(switch: Switch | None) -> Termination | None:
    return switch.termination if switch is not None else None


class Gate:
    """Reads options once per reload, so that connections find plain attributes."""

    def __init__(self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics, table: Counts | None = None) -> None:
        """`table` counts connections for all processes that share it; without one this gate counts its own."""
        self.name = name
        self.sweeper = sweeper
        self.metrics = metrics
        self.scheme = b"http"
        self.switch: Switch | None = None
        """What to make of first bytes, where that has to be found out."""
        self.accepting = True
        """False once the entrypoint is going away: connections close after the answer they owe."""
        self.patience = 0.0
        """Seconds that connections wait for one more request, once `accepting` is False."""
        self.cut_at = 0.0
        """On the sweeper's clock: when what is left is cut, once `accepting` is False."""
        self.patient_until = 0.0
        """On the sweeper's clock: until then, requests that were sent ahead are all answered."""
        self.idle_timeout = NO_LIMIT
        self.connections: set[Connection] = set()
        self._doors = Doors()
        self._let_in: dict[Connection, tuple[str, tuple[Middleware[Any], ...]]] = {}
        """Connections that somebody has counted, with their address and who it was."""
        self.max_connections = 0
        self._places = Places(table) if table is not None else None
        self._empty = asyncio.Event()
        self.new_id = _identifiers().__next__
        """128 random bits in hex for each request."""

    def apply(
        self, options: Entrypoint, table: Table | None, doors: Doors | None = None, switch: Switch | None = None
    ) -> None:
        """Take over options and routes: plain assignments, nothing that can fail. Without a table there is no HTTP."""
        self._doors = doors or Doors()
        before, self.switch = self.switch, switch
        self.scheme = b"http" if options.tls is None else b"https"
        if table is not None:
            self.find = table.find
            self.serves = table.serves
            self.unmatched = table.unmatched
        self.max_connections = options.max_connections
        if self._places is not None:  # held under the name, if there is a limit to hold them for
            self._places.count_as(self.name if self.max_connections else None, len(self.connections))
        self.read_header_timeout = options.read_header_timeout or NO_LIMIT
        self.idle_timeout = options.idle_timeout or NO_LIMIT
        self.body_idle_timeout = options.body_idle_timeout or NO_LIMIT
        self.max_header_bytes = options.max_header_bytes
        self.request_id = options.request_id
        self.trusted = NetworkSet(options.trusted_ips)
        self.head_rules = HeadRules(options.max_headers, options.merge_slashes, options.underscore_headers)
        if _termination(before) is not _termination(switch):
            self._part(_termination(switch))

    def _part(self, termination: Termination | None) -> None:
        """Other TLS is asked for than before: kept connections that would not get it now end after the answer they
        owe, or they would get around it."""
        farewell = copy(self)
        farewell.accepting = False
        for connection in list(self.connections):
            if isinstance(connection, Parting):
                connection.part(termination, farewell)

    def _has_room(self) -> bool:
        if self._places is not None:
            return self._places.take(self.max_connections)
        return len(self.connections) < self.max_connections

    def admit(self, connection: Connection, address: str = "") -> bool | None:
        """Count a new connection in; False when there are too many already, None when it is not to get an answer."""
        if self._doors and not self.let_in(connection, address):
            return None
        return self.count_in(connection)

    def let_in(self, connection: Connection, address: str) -> bool:
        """Ask those who look at connections; False when one of them does not want it."""
        passed = self._doors.accept(address)
        if passed is None:
            self.metrics.refuse("filter")
            return False
        self._let_in[connection] = (address, passed)
        return True

    def count_in(self, connection: Connection) -> bool:
        """The same for one whose address is not known yet, to be let in later; False when there are too many."""
        if self.max_connections and not self._has_room():
            self.metrics.refuse("max_connections")
            self._let_out(connection)
            return False
        self.connections.add(connection)
        self.sweeper.watch(connection)
        self.metrics.opened()
        return True

    def _let_out(self, connection: Connection) -> None:
        address, passed = self._let_in.pop(connection, ("", ()))
        for door in passed:
            door.closed(address)

    def leave(self, connection: Connection) -> None:
        """A connection has closed; unknown ones are fine."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.sweeper.forget(connection)
            self.metrics.closed()
            if self._let_in:
                self._let_out(connection)
            if self._places is not None:
                self._places.give()
            if not self.connections:
                self._empty.set()

    def replace(self, old: Connection, new: Connection) -> None:
        """What `old` was is `new` from now on: counted once, and let out once. Unknown ones are fine."""
        if old in self.connections:
            self.connections.discard(old)
            self.connections.add(new)
            self.sweeper.forget(old)
            self.sweeper.watch(new)
            if old in self._let_in:
                self._let_in[new] = self._let_in.pop(old)

    def close(self, patience: float = 0.0, seconds: float = 0.0) -> None:
        """Connections end after the next answer, which says so; idle ones, and those whose clients have been told that
        theirs is kept, when no request comes for `patience` seconds. What has no end of its own has `seconds`."""
        self.accepting = False
        self.cut_at = self.sweeper.now + seconds
        self.patience = patience
        self.patient_until = self.sweeper.now + patience
        self.idle_timeout = min(self.idle_timeout, patience)
        for connection in list(self.connections):
            connection.drain(seconds)

    async def drained(self, seconds: float) -> int:
        """Wait until every connection has ended, at most `seconds`; returns how many had to be cut."""
        late = asyncio.get_running_loop().time() + seconds
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        while self.connections:
            self._empty.clear()
            try:
                async with asyncio.timeout_at(late):
                    await self._empty.wait()
            except TimeoutError:
                break
        cut = list(self.connections)
        for connection in cut:
            connection.abort()
        return len(cut)


def _identifiers() -> Iterator[bytes]:
    """Random bits are fetched for a hundred requests at once: a system call for each would cost more than the rest."""
    while True:
        block = os.urandom(16 * 128).hex().encode()
        for at in range(0, len(block), 32):
            yield block[at : at + 32]
