"""Listening sockets: bound once, by the process that lives longest, for everyone who accepts from them.

Each worker has a socket of its own (`SO_REUSEPORT`): the kernel spreads new connections evenly, and those that wait
for a worker that has died are served by its successor, because the socket outlives both. A socket file has no such
groups, so there one socket is shared.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.errors import BindError
from a3sgw.options import SocketAddress

BACKLOG = 4096
"""Connections waiting to be accepted, per socket; the kernel's `somaxconn` may lower it."""

_KINDS = {"http": socket.SOCK_STREAM, "tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def key_of(name: str, options: Entrypoint) -> str:
    """What tells one listener from another: the address as written, and for "any free port" the entrypoint as well."""
    transport = "udp" if options.protocol == "udp" else "tcp"
    whose = "" if options.address.path or options.address.port else f" {name}"
    return f"{transport} {options.address}{whose}"


@dataclass(frozen=True)
class Listener:
    """The sockets of one address: a group for each local address behind its name, with as many as were asked for."""

    address: SocketAddress
    groups: tuple[tuple[socket.socket, ...], ...]
    node: int = 0
    """Inode of the socket file, so that nobody else's is removed."""

    def share(self, worker: int, workers: int) -> list[socket.socket]:
        """What worker number `worker` (from 0) of `workers` accepts from.

        With more sockets than workers, which is so after an upgrade to fewer, some take several: a socket that nobody
        accepts from would keep its clients waiting for ever.
        """
        mine: list[socket.socket] = []
        for group in self.groups:
            mine += group[worker::workers] if len(group) > worker else [group[worker % len(group)]]
        return mine

    @property
    def sockets(self) -> list[socket.socket]:
        """All of them."""
        return [one for group in self.groups for one in group]

    @property
    def addresses(self) -> list[str]:
        """What it really listens on, as ``host:port`` or ``unix:/path``: port 0 has become a real one."""
        return [named(group[0]) for group in self.groups]

    def close(self, *, unlink: bool = True) -> None:
        """Let go of the sockets; of the file as well unless another process goes on with it."""
        for one in self.sockets:
            one.close()
        if unlink and self.node:
            with contextlib.suppress(OSError):
                if os.stat(self.address.path).st_ino == self.node:
                    os.unlink(self.address.path)


async def bind(address: SocketAddress, protocol: str = "http", count: int = 1) -> Listener:
    """Bind `count` sockets (one for a socket file) and, unless they are for datagrams, listen; BindError if that fails.

    The first is bound without `SO_REUSEPORT`, so that an address somebody else uses is refused, a second gateway by
    mistake included; only then the others may join it.
    """
    kind = _KINDS[protocol]
    try:
        if address.path:
            one = _bind_file(address.path, kind)
            return Listener(address, ((one,),), os.stat(address.path).st_ino)
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host or None, address.port, type=kind, flags=socket.AI_PASSIVE
        )
        return Listener(address, _bind_all(found, kind, count, any_host=not address.host))
    except (OSError, UnicodeError) as error:
        raise BindError(str(address), _reason(error)) from None


def more(listener: Listener, protocol: str, count: int) -> Listener:
    """The same with at least `count` sockets per local address, where the kernel allows others beside the first."""
    if listener.address.path:
        return listener
    kind = _KINDS[protocol]
    groups = []
    for group in listener.groups:
        grown = list(group)
        with contextlib.suppress(OSError):  # those of another user, such as a service manager
            if len(grown) < count:
                grown[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            while len(grown) < count:
                grown.append(_bind_one(grown[0].family, kind, grown[0].getsockname(), reuse=True))
        groups.append(tuple(grown))
    return Listener(listener.address, tuple(groups), listener.node)


def adopt(address: SocketAddress, sockets: Sequence[socket.socket]) -> Listener:
    """Sockets of another process for `address`, grouped by what they are bound to; the file, if any, stays its own."""
    groups: dict[object, list[socket.socket]] = {}
    for one in sockets:
        one.setblocking(False)
        groups.setdefault((one.family, one.getsockname()), []).append(one)
    return Listener(address, tuple(map(tuple, groups.values())))


def owned(listener: Listener) -> Listener:
    """The same, which from now on removes its socket file when it is closed."""
    path = listener.address.path
    node = os.stat(path).st_ino if path and os.path.exists(path) else 0
    return replace(listener, node=node)


def named(one: socket.socket) -> str:
    """The local address of a socket as ``host:port`` or ``unix:/path``."""
    name = one.getsockname()
    if one.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if one.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


_Found = Sequence[tuple[int, int, int, str, object]]


def _bind_all(found: _Found, kind: int, count: int, *, any_host: bool) -> tuple[tuple[socket.socket, ...], ...]:
    groups: dict[object, tuple[socket.socket, ...]] = {}
    problem: OSError | None = None
    try:
        for family, _, _, _, name in found:
            if (family, name) not in groups:
                try:
                    groups[family, name] = _bind_group(family, kind, name, count)
                except OSError as error:
                    # A host without IPv6 still has "all interfaces".
                    if not any_host or error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                        raise
                    problem = error
        if not groups and problem is not None:
            raise problem
    except BaseException:
        for group in groups.values():
            for one in group:
                one.close()
        raise
    return tuple(groups.values())


def _bind_group(family: int, kind: int, name: object, count: int) -> tuple[socket.socket, ...]:
    group = [_bind_one(family, kind, name, reuse=False)]
    try:
        if count > 1:
            group[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        while len(group) < count:
            group.append(_bind_one(family, kind, group[0].getsockname(), reuse=True))
        if kind == socket.SOCK_STREAM:
            for one in group:
                one.listen(BACKLOG)
    except BaseException:
        for one in group:
            one.close()
        raise
    return tuple(group)


def _bind_one(family: int, kind: int, name: object, *, reuse: bool) -> socket.socket:
    one = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if kind == socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if reuse:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(name)  # type: ignore[arg-type] # whatever getaddrinfo or getsockname said
        if reuse and kind == socket.SOCK_STREAM:
            one.listen(BACKLOG)
    except BaseException:
        one.close()
        raise
    return one


def _bind_file(path: str, kind: int) -> socket.socket:
    _claim(path)
    one = socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        one.bind(path)
        if kind == socket.SOCK_STREAM:
            one.listen(BACKLOG)
    except BaseException:
        one.close()
        raise
    return one


def _claim(path: str) -> None:
    """Remove a socket file that nobody listens on, left by a crash; OSError when something else is in the way."""
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


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
