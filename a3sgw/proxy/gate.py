"""What all connections of one entrypoint share: options, table, limits. A reload replaces it in place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Protocol

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.http.request import HeadRules
from a3sgw.networks import NetworkSet
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.plan import NO_LIMIT
from a3sgw.routing.route import Route
from a3sgw.routing.table import Table
from a3sgw.sweeper import Sweeper, Timed


class Connection(Timed, Protocol):
    """What a gate needs of a connection from a client."""

    @property
    def route(self) -> Route | None:
        """The route of the exchange it runs now, None between two."""

    def drain(self) -> None:
        """Close now when idle, after the answer it owes when not."""

    def abort(self) -> None:
        """Close at once."""


class Gate:
    """Reads options once per reload, so that connections find plain attributes."""

    def __init__(self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics) -> None:
        self.name = name
        self.sweeper = sweeper
        self.metrics = metrics
        self.scheme = b"http"
        self.accepting = True
        """False once the entrypoint is going away: connections close after the answer they owe."""
        self.connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self.new_id = _identifiers().__next__
        """128 random bits in hex for each request."""

    def apply(self, options: Entrypoint, table: Table) -> None:
        """Take over options and routes: plain assignments, nothing that can fail."""
        self.find = table.find
        self.unmatched = table.unmatched
        self.max_connections = options.max_connections
        self.read_header_timeout = options.read_header_timeout or NO_LIMIT
        self.idle_timeout = options.idle_timeout or NO_LIMIT
        self.body_idle_timeout = options.body_idle_timeout or NO_LIMIT
        self.max_header_bytes = options.max_header_bytes
        self.request_id = options.request_id
        self.trusted = NetworkSet(options.trusted_ips)
        self.head_rules = HeadRules(options.max_headers, options.merge_slashes, options.underscore_headers)

    def rename(self, name: str, metrics: EntrypointMetrics) -> None:
        """Go on under another name; open connections are counted there from now on."""
        if metrics is not self.metrics:
            for _ in self.connections:
                self.metrics.closed()
                metrics.opened()
            self.name, self.metrics = name, metrics

    def admit(self, connection: Connection) -> bool:
        """Count a new connection in; False when there are too many already."""
        if self.max_connections and len(self.connections) >= self.max_connections:
            self.metrics.refuse("max_connections")
            return False
        self.connections.add(connection)
        self.sweeper.watch(connection)
        self.metrics.opened()
        return True

    def leave(self, connection: Connection) -> None:
        """A connection has closed; unknown ones are fine."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.sweeper.forget(connection)
            self.metrics.closed()
            if not self.connections:
                self._empty.set()

    def close(self) -> None:
        """Connections end after the answer they owe, idle ones now."""
        self.accepting = False
        for connection in list(self.connections):
            connection.drain()

    async def drained(self, seconds: float) -> int:
        """Wait until every connection has ended, at most `seconds`; returns how many had to be cut."""
        self._empty.clear()
        if self.connections:
            try:
                await asyncio.wait_for(self._empty.wait(), seconds)
            except TimeoutError:
                pass
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
