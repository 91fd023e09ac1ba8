"""An HTTP entrypoint: a listening socket, its connections, and the table that a reload replaces."""

from __future__ import annotations

import asyncio
import os
import socket
from random import getrandbits
from typing import TYPE_CHECKING

from a3sgw.errors import BindError
from a3sgw.http.request import HeadRules
from a3sgw.networks import NetworkSet
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.options import SocketAddress
from a3sgw.plan import NO_LIMIT
from a3sgw.proxy.downstream import Downstream
from a3sgw.routing.table import Table
from a3sgw.sweeper import Sweeper

if TYPE_CHECKING:
    from a3sgw.config.entrypoint import Entrypoint

_BACKLOG = 4096


class HttpEntrypoint:
    """What all connections of one socket share. `apply` may be called at any time; open connections follow at once."""

    def __init__(self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics) -> None:
        self.name = name
        self.sweeper = sweeper
        self.metrics = metrics
        self.scheme = b"http"
        self.accepting = True
        """False once the entrypoint is going away: connections close after the answer they owe."""
        self.connections: set[Downstream] = set()
        self._server: asyncio.Server | None = None
        self._idle = asyncio.Event()

    def apply(self, options: Entrypoint, table: Table) -> None:
        """Take over options and routes: plain assignments, nothing that can fail."""
        self.table = table
        self.max_connections = options.max_connections
        self.read_header_timeout = options.read_header_timeout or NO_LIMIT
        self.idle_timeout = options.idle_timeout or NO_LIMIT
        self.body_idle_timeout = options.body_idle_timeout or NO_LIMIT
        self.max_header_bytes = options.max_header_bytes
        self.request_id = options.request_id
        self.trusted = NetworkSet(options.trusted_ips)
        self.trusts_unix = bool(options.trusted_ips)
        self.head_rules = HeadRules(options.max_headers, options.merge_slashes, options.underscore_headers)

    async def listen(self, address: SocketAddress) -> None:
        """Bind and accept; BindError if that cannot be done."""
        loop = asyncio.get_running_loop()
        try:
            if address.path:
                _remove_stale_socket(address.path)
                self._server = await loop.create_unix_server(lambda: Downstream(self), address.path, backlog=_BACKLOG)
            else:
                self._server = await loop.create_server(
                    lambda: Downstream(self), address.host or None, address.port, backlog=_BACKLOG, reuse_address=True
                )
        except (OSError, UnicodeError) as error:
            raise BindError(str(address), getattr(error, "strerror", None) or str(error)) from None

    @property
    def addresses(self) -> list[str]:
        """What it really listens on, as ``host:port`` or a path: port 0 has become a real one."""
        found = []
        for one in self._server.sockets if self._server is not None else ():
            name = one.getsockname()
            if one.family == socket.AF_UNIX:
                found.append(str(name))
            else:
                found.append(f"[{name[0]}]:{name[1]}" if one.family == socket.AF_INET6 else f"{name[0]}:{name[1]}")
        return found

    # Connections...

    def admit(self, connection: Downstream) -> bool:
        """Count a new connection in; False when there are too many already."""
        metrics = self.metrics
        if self.max_connections and len(self.connections) >= self.max_connections:
            metrics.refuse("max_connections")
            return False
        self.connections.add(connection)
        self.sweeper.watch(connection)
        metrics.accepted += 1
        metrics.open += 1
        return True

    def leave(self, connection: Downstream) -> None:
        """A connection has closed."""
        if connection in self.connections:
            self.connections.discard(connection)
            self.sweeper.forget(connection)
            self.metrics.open -= 1
            if not self.connections:
                self._idle.set()

    @staticmethod
    def new_id() -> bytes:
        """128 random bits in hex: an identifier, not a secret."""
        return b"%032x" % getrandbits(128)

    # Ending...

    def stop(self) -> None:
        """Accept no more; connections end after the answer they owe, idle ones now."""
        self.accepting = False
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.drain()

    async def drained(self, seconds: float) -> int:
        """Wait until every connection has ended, at most `seconds`; returns how many had to be cut."""
        self._idle.clear()
        if self.connections:
            try:
                await asyncio.wait_for(self._idle.wait(), seconds)
            except TimeoutError:
                pass
        cut = list(self.connections)
        for connection in cut:
            connection.abort()
        return len(cut)


def _remove_stale_socket(path: str) -> None:
    """A socket file nobody listens on is left by a crash, and in the way."""
    if not os.path.exists(path):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return
