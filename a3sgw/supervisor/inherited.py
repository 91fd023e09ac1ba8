"""Sockets that another process has bound for this one: a gateway that is being upgraded, or a service manager.

What a gateway hands over is read by another version of it, so its form has a number.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.errors import GatewayError
from a3sgw.listeners import Listener, key_of, named
from a3sgw.options import BaseOptions, SocketAddress

_log = logging.getLogger("a3sgw.supervisor")
VARIABLE = "A3SGW_INHERIT"
_FIRST = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)


class _Bequest(BaseOptions):
    """What the variable says, as JSON; a change of anything here is another version. Sockets are descriptors."""

    version: Literal[1, 2]
    listeners: dict[str, tuple[int, ...]]  # by key: one variable has room for 128 KB only (MAX_ARG_STRLEN, execve(2))
    admin: tuple[tuple[str, int], ...]
    files: dict[str, int]
    table: int
    ready: int
    known: int = -1  # since 2


@dataclass
class Inherited:
    """What there is to take; every socket is taken once. `close` what is left."""

    listeners: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(key of the listener, socket), from a gateway."""
    activated: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(name, socket), from a service manager."""
    admin: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(address as written, socket) of the management API."""
    files: dict[str, int] = field(default_factory=dict)
    """Keys of listeners whose socket file this process has to remove in the end, with its inode; "admin" for that of
    the management API."""
    table: int = -1
    """Descriptor of the shared table, -1 for none."""
    known: socket.socket | None = None
    """What is known of endpoints comes from here."""
    _ready: int = -1

    def take(self, name: str, options: Entrypoint) -> Sequence[socket.socket]:
        """The sockets for an entrypoint: those with its key; those with its name; those bound to its address."""
        key = key_of(name, options)
        kind = socket.SOCK_DGRAM if options.protocol == "udp" else socket.SOCK_STREAM
        found = [one for one in self.listeners if one[0] == key]
        if found:
            self.listeners = [one for one in self.listeners if one[0] != key]
            return [one for _, one in found]
        found = [one for one in self.activated if one[0] == name and one[1].type == kind]
        found = found or [one for one in self.activated if one[1].type == kind and _bound_to(one[1], options.address)]
        self.activated = [one for one in self.activated if one not in found]
        return [one for _, one in found]

    def take_admin(self, address: SocketAddress) -> list[socket.socket]:
        """The sockets of the management API at this address."""
        found = [one for one in self.admin if one[0] == str(address)]
        found += [one for one in self.activated if one[0] == "admin" or _bound_to(one[1], address)]
        self.admin = [one for one in self.admin if one not in found]
        self.activated = [one for one in self.activated if one not in found]
        return [one for _, one in found]

    def take_known(self) -> socket.socket | None:
        """The end of a `Legacy`, None when there is none."""
        known, self.known = self.known, None
        return known

    def ready(self) -> None:
        """Tell the gateway that is being upgraded that this one has taken over."""
        if self._ready >= 0:
            with suppress(OSError):
                os.write(self._ready, b"1")
            os.close(self._ready)
            self._ready = -1

    def remove_files(self) -> None:
        """Remove the socket files of what nobody took: they are this process's now, and lead nowhere."""
        left = [*self.listeners, *(("admin", one) for _, one in self.admin)]
        for key, one in left:
            path = one.getsockname()
            with suppress(OSError):
                if key in self.files and os.stat(path).st_ino == self.files[key]:
                    os.unlink(path)

    def close(self) -> None:
        """Close what nobody took; of what a service manager passed, that is worth a warning."""
        for name, one in self.activated:
            extra = {"socket": name, "address": named(one)}
            _log.warning("a socket was passed that no entrypoint uses", extra=extra)
        for _, one in (*self.listeners, *self.activated, *self.admin):
            one.close()
        if self.known is not None:
            self.known.close()
        self.listeners, self.activated, self.admin, self.known = [], [], [], None


def inherited(environment: MutableMapping[str, str]) -> Inherited:
    """What this process was given; the variables that say so are removed, so that no child believes them.

    To be called before anything else opens descriptors: a service manager only says how many of them there are.
    GatewayError when what another gateway hands over cannot be used.
    """
    text = environment.pop(VARIABLE, "")
    found = _from_gateway(text) if text else Inherited()
    count, whose = environment.pop("LISTEN_FDS", ""), environment.pop("LISTEN_PID", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if count.isdecimal() and len(count) < 10 and whose == str(os.getpid()):
        for index, one in _passed(int(count)):
            found.activated.append((names[index] if index < len(names) else "", one))
    return found


def bequest(
    listeners: Mapping[str, Listener], admin: Listener | None, table: int, ready: int, known: int
) -> tuple[str, list[int]]:
    """What `inherited` of the next version reads, and the descriptors that have to go along."""
    bound = {key: tuple(one.fileno() for one in listener.sockets) for key, listener in listeners.items()}
    pages = tuple((str(admin.address), one.fileno()) for one in admin.sockets) if admin is not None else ()
    owners = {**listeners, "admin": admin} if admin is not None else listeners
    files = {key: listener.node for key, listener in owners.items() if listener.node}
    given = _Bequest(version=2, listeners=bound, admin=pages, files=files, table=table, ready=ready, known=known)
    sockets = [*(one for group in bound.values() for one in group), *(one for _, one in pages)]
    return given.model_dump_json(), [*sockets, table, ready, known]


def _from_gateway(text: str) -> Inherited:
    found = Inherited()
    try:
        given = _Bequest.model_validate_json(text)
        for key, group in given.listeners.items():
            found.listeners += [(key, _socket(one)) for one in group]
        found.admin += [(address, _socket(one)) for address, one in given.admin]
        found.known = _socket(given.known) if given.known >= 0 else None
        for descriptor in (given.table, given.ready):
            os.set_inheritable(descriptor, False)
    except (ValueError, OSError, OverflowError):
        found.close()
        raise GatewayError(
            f"this version cannot take over from the one that runs ({VARIABLE}): stop that one and start this one"
        ) from None
    found.files, found.table, found._ready = given.files, given.table, given.ready
    return found


def _passed(count: int) -> Iterator[tuple[int, socket.socket]]:
    """Which of them (from 0) are sockets that something can be accepted or received from; others are not touched."""
    for index in range(count):
        try:
            one = socket.socket(fileno=_FIRST + index)
        except OSError as error:
            if error.errno == errno.EBADF:  # there are no more, whatever the number says
                return
            continue
        listens = one.type == socket.SOCK_DGRAM or one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        one.detach()
        if listens:
            yield index, _socket(_FIRST + index)


def _socket(descriptor: int) -> socket.socket:
    one = socket.socket(fileno=descriptor)
    one.set_inheritable(False)
    one.setblocking(False)
    return one


def _bound_to(one: socket.socket, address: SocketAddress) -> bool:
    name = one.getsockname()
    if one.family == socket.AF_UNIX:
        return bool(address.path) and name == address.path
    any_host = name[0] in ("0.0.0.0", "::") and address.host in ("", "0.0.0.0", "::")
    return not address.path and name[1] == address.port and (any_host or name[0] == address.host)
