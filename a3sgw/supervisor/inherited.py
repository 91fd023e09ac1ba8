"""Sockets that another process has bound for this one: a gateway that is being upgraded, or a service manager."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.listeners import Listener, key_of, named
from a3sgw.options import SocketAddress

_log = logging.getLogger("a3sgw.supervisor")
VARIABLE = "A3SGW_INHERIT"
_FIRST = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)


@dataclass
class Inherited:
    """What there is to take; every socket is taken once. `close` what is left."""

    listeners: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(key of the listener, socket), from a gateway."""
    activated: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(name, socket), from a service manager."""
    admin: list[tuple[str, socket.socket]] = field(default_factory=list)
    """(address as written, socket) of the management API."""
    files: set[str] = field(default_factory=set)
    """Keys of listeners whose socket file this process has to remove in the end; "admin" for that of the management
    API."""
    table: int = -1
    """Descriptor of the shared table, -1 for none."""
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

    def ready(self) -> None:
        """Tell the gateway that is being upgraded that this one has taken over."""
        if self._ready >= 0:
            with suppress(OSError):
                os.write(self._ready, b"1")
            os.close(self._ready)
            self._ready = -1

    def close(self) -> None:
        """Close what nobody took; of what a service manager passed, that is worth a warning."""
        for name, one in self.activated:
            extra = {"socket": name, "address": named(one)}
            _log.warning("a socket was passed that no entrypoint uses", extra=extra)
        for _, one in (*self.listeners, *self.activated, *self.admin):
            one.close()
        self.listeners, self.activated, self.admin = [], [], []


def inherited(environment: MutableMapping[str, str]) -> Inherited:
    """What this process was given; the variables that say so are removed, so that no child believes them."""
    found = Inherited()
    text = environment.pop(VARIABLE, "")
    if text:
        given = json.loads(text)
        found.listeners = [(key, _socket(one)) for key, group in given["listeners"].items() for one in group]
        found.admin = [(address, _socket(descriptor)) for address, descriptor in given["admin"]]
        found.files = set(given["files"])
        found.table, found._ready = given["table"], given["ready"]
        for descriptor in (found.table, found._ready):
            os.set_inheritable(descriptor, False)
    count, whose = environment.pop("LISTEN_FDS", ""), environment.pop("LISTEN_PID", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if count.isdecimal() and whose == str(os.getpid()):
        for index in range(int(count)):
            with suppress(OSError):  # not a socket
                name = names[index] if index < len(names) else ""
                found.activated.append((name, _socket(_FIRST + index)))
    return found


def legacy(listeners: Mapping[str, Listener], admin: Listener | None, table: int, ready: int) -> tuple[str, list[int]]:
    """What `inherited` reads, and the descriptors that have to go along."""
    # By key, because one variable has room for 128 KB only (MAX_ARG_STRLEN, execve(2)).
    bound = {key: [one.fileno() for one in listener.sockets] for key, listener in listeners.items()}
    pages = [(str(admin.address), one.fileno()) for one in admin.sockets] if admin is not None else []
    files = [key for key, listener in listeners.items() if listener.node]
    files += ["admin"] if admin is not None and admin.node else []
    given = {"listeners": bound, "admin": pages, "files": files, "table": table, "ready": ready}
    text = json.dumps(given)
    return text, [*(one for group in bound.values() for one in group), *(one for _, one in pages), table, ready]


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
