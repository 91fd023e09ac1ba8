"""What the sessions of one UDP entrypoint share, and the sockets that datagrams of clients come in by."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import OrderedDict
from typing import Any

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.listeners import named
from a3sgw.observe.datagrams import DatagramMetrics
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.plan import NO_LIMIT
from a3sgw.proxy.doors import Doors
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.places import Counts
from a3sgw.proxy.session import Session
from a3sgw.proxy.switch import Switch
from a3sgw.routing.sessions import SessionTable
from a3sgw.routing.table import Table
from a3sgw.sweeper import Sweeper

_LONGEST = 65536
"""More than any datagram has (65,507 bytes by IPv4, 65,527 by IPv6): none is ever cut off."""
_BURST = 64
"""Datagrams that are read before others have their turn."""
_ROOM = 4 * 1024 * 1024
"""Bytes that may wait in a socket; the kernel may allow less (net.core.rmem_max)."""
_ANY = ("0.0.0.0", "::")
_IP_PKTINFO = 8
"""ip(7); the socket module does not have it."""
_SPACE = socket.CMSG_SPACE(20)
"""For in6_pktinfo, the longer of the two."""


class Datagrams(Gate):
    """The gate of a UDP entrypoint: its connections are sessions, in `order` of when they were heard of last."""

    timeout: float
    count: DatagramMetrics

    def __init__(self, name: str, sweeper: Sweeper, metrics: EntrypointMetrics, table: Counts | None = None) -> None:
        super().__init__(name, sweeper, metrics, table)
        self.order: OrderedDict[Session, None] = OrderedDict()
        self.buffer = bytearray(_LONGEST)
        """What is read, between receiving and sending."""
        self.view = memoryview(self.buffer)
        self._most = 0

    def apply(
        self, options: Entrypoint, table: Table | None, doors: Doors | None = None, switch: Switch | None = None
    ) -> None:
        """Take over options and the route; sessions on another one go on until they are heard of again."""
        super().apply(options, table, doors, switch)
        self.timeout = options.udp_session_timeout_secs or NO_LIMIT
        self._most = options.udp_max_sessions
        self.count = table.metrics if isinstance(table, SessionTable) else DatagramMetrics()
        while len(self.order) > self._most:
            self.evict()

    def open(self, door: Port, key: Any, address: Any, local: Any) -> Session | None:
        """A session for a new client; None when there is to be none, and its datagram is dropped."""
        count = self.count
        if self.unmatched.care is None:
            count.drop("no_router")
            return None
        if len(self.order) >= self._most:
            self.evict()
        session = Session(self, door, key, address, local)
        if not self.admit(session, session.client):
            count.drop("filter")
            return None
        self.order[session] = None
        door.sessions[key] = session
        count.begin()
        if not session.connect():
            count.drop("no_endpoint")
            return None
        return session

    def evict(self, sparing: Session | None = None) -> bool:
        """End the session that has been silent for longest; False when there is none but the one to be spared."""
        for session in self.order:
            if session is not sparing:
                session.end("evicted")
                return True
        return False

    def forget(self, session: Session) -> None:
        """It has ended."""
        self.order.pop(session, None)
        self.leave(session)


class Port:
    """One socket that is bound; the door of the sessions whose clients send to it."""

    def __init__(self, one: socket.socket, gate: Datagrams) -> None:
        self.sessions: dict[Any, Session] = {}
        """By what tells them apart: the client's address and port."""
        self.socket = one
        self._gate = gate
        self._reads = False
        self._receive, self._send = one.recvfrom_into, one.sendto
        _make_room(one)

    def __repr__(self) -> str:
        return f"<Port [{named(self.socket)}, {len(self.sessions)} sessions]>"

    def start(self) -> None:
        """Read from now on."""
        self._reads = True
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def stop(self) -> None:
        """Read no more, and close once the last session has had its replies: they go out here."""
        if self._reads:
            self._reads = False
            asyncio.get_running_loop().remove_reader(self.socket)
            self._close_if_done()

    def _close_if_done(self) -> None:
        if not self._reads and not self.sessions:
            self.socket.close()

    def again(self, session: Session) -> Session | None:
        """A new one for the client of one that has ended, if it is to be served."""
        return self._gate.open(self, session.key, session.address, session.local)

    def forget(self, session: Session) -> None:
        """It has ended."""
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]
            self._close_if_done()

    def reply(self, data: memoryview, session: Session) -> None:
        """Send to its client. OSError."""
        self._send(data, session.address)

    def _readable(self) -> None:
        buffer, view, find = self._gate.buffer, self._gate.view, self.sessions.get
        for _ in range(_BURST):
            try:
                size, address = self._receive(buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._gate.count.drop("socket")
                return
            session = find(address) or self._gate.open(self, address, address, None)
            if session is not None:
                session.forward(view[:size])


class WildPort(Port):
    """One bound to all addresses of the host: the kernel has to be asked which one the client has sent to, and told to
    send replies from there; or it would choose one by itself, and the client would not know it."""

    def __init__(self, one: socket.socket, gate: Datagrams) -> None:
        super().__init__(one, gate)
        if one.family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            one.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self._receive_all, self._send_all = one.recvmsg_into, one.sendmsg

    def reply(self, data: memoryview, session: Session) -> None:
        """From the address it has sent to."""
        self._send_all((data,), session.local, 0, session.address)

    def _readable(self) -> None:
        buffers, view, find = (self._gate.buffer,), self._gate.view, self.sessions.get
        for _ in range(_BURST):
            try:
                size, told, _, address = self._receive_all(buffers, _SPACE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._gate.count.drop("socket")
                return
            key = (address, told[0][2]) if told else (address, b"")
            session = find(key) or self._gate.open(self, key, address, _from_there(key[1]))
            if session is not None:
                session.forward(view[:size])


def port(one: socket.socket, gate: Datagrams) -> Port:
    """Of the right kind for what it is bound to."""
    return (WildPort if one.getsockname()[0] in _ANY else Port)(one, gate)


def _from_there(info: bytes) -> list[tuple[int, int, bytes]]:
    """What makes a reply leave from where the datagram with this pktinfo came to; by which interface is for the kernel
    to find, except for link-local addresses, which mean nothing without."""
    if len(info) == 20:  # in6_pktinfo: address, interface
        linked = info[0] == 0xFE and info[1] & 0xC0 == 0x80
        return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info if linked else info[:16] + b"\0\0\0\0")]
    if len(info) == 12:  # in_pktinfo: interface, local address, the one in the header, which may be a broadcast
        return [(socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("=I4s4s", 0, info[4:8], b"\0\0\0\0"))]
    return []


def _make_room(one: socket.socket) -> None:
    """Let more wait in it than usual: datagrams come in bursts, and nobody sends again what the kernel drops."""
    for option in (getattr(socket, "SO_RCVBUFFORCE", 33), socket.SO_RCVBUF):
        try:
            one.setsockopt(socket.SOL_SOCKET, option, _ROOM)
        except OSError as error:
            if error.errno != errno.EPERM:  # only root may have more than the limit
                raise
        else:
            return
