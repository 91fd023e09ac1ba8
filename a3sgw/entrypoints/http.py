"""An HTTP entrypoint: a listening socket in front of a gate."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat

from a3sgw.errors import BindError
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.options import SocketAddress
from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate
from a3sgw.sweeper import Sweeper

_BACKLOG = 4096


class HttpEntrypoint:
    """`gate` is what its connections share, and what a reload changes."""

    def __init__(self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics) -> None:
        self.gate = Gate(name, sweeper, metrics)
        self._servers: list[asyncio.Server] = []

    def __repr__(self) -> str:
        return f"<HttpEntrypoint [{self.gate.name}, {len(self.gate.connections)} connections]>"

    async def listen(self, address: SocketAddress) -> None:
        """Bind and accept; BindError if that cannot be done."""
        loop = asyncio.get_running_loop()
        try:
            if address.path:
                _claim(address.path)
                server = await loop.create_unix_server(self._connection, address.path, backlog=_BACKLOG)
            else:
                server = await loop.create_server(
                    self._connection, address.host or None, address.port, backlog=_BACKLOG, reuse_address=True
                )
            self._servers.append(server)
        except (OSError, UnicodeError) as error:
            raise BindError(str(address), getattr(error, "strerror", None) or str(error)) from None

    async def take_over(self, other: HttpEntrypoint) -> None:
        """Accept from the sockets of `other` too, which then can stop without a client being turned away."""
        loop = asyncio.get_running_loop()
        for listening in other._sockets():
            copy = socket.socket(fileno=os.dup(listening.fileno()))
            create = loop.create_unix_server if copy.family == socket.AF_UNIX else loop.create_server
            self._servers.append(await create(self._connection, sock=copy, backlog=_BACKLOG))

    def _sockets(self) -> list[socket.socket]:
        return [one for server in self._servers for one in server.sockets]

    def _connection(self) -> Downstream:
        return Downstream(self.gate)

    @property
    def addresses(self) -> list[str]:
        """What it really listens on, as ``host:port`` or ``unix:/path``: port 0 has become a real one."""
        found = []
        for one in self._sockets():
            name = one.getsockname()
            if one.family == socket.AF_UNIX:
                found.append(f"unix:{name}")
            else:
                found.append(f"[{name[0]}]:{name[1]}" if one.family == socket.AF_INET6 else f"{name[0]}:{name[1]}")
        return found

    def stop(self) -> None:
        """Accept no more; connections end after the answer they owe, idle ones now."""
        while self._servers:
            self._servers.pop().close()
        self.gate.close()


def _claim(path: str) -> None:
    """Remove a socket file that nobody listens on, left by a crash; OSError when something else is in the way. The
    event loops would remove any socket, in use or not."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "a file that is not a socket is in the way")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE).lower())
