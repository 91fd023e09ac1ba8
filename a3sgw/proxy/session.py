"""One client of a UDP entrypoint: what comes from its address and port goes to one endpoint, and replies come back.

Warm, a datagram is a look-up, a `send` and some counting: no task, no timer, no copy.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol, cast

from a3sgw.errors import ConnectError
from a3sgw.http.message import Request
from a3sgw.observe.datagrams import DatagramMetrics
from a3sgw.plan import NO_LIMIT
from a3sgw.routing.route import Care, Route
from a3sgw.service.choice import Choice
from a3sgw.service.service import Service
from a3sgw.service.visit import Visit
from a3sgw.sweeper import Sweeper
from a3sgw.tasks import spawn
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.pool import Address

_BURST = 64
"""Replies of one session that are read before others have their turn."""
_SMALL = 1000
"""Bytes of a reply after which another is not likely to wait: looking costs a system call."""
_GRACE = 1.0
"""Seconds that a session waits for a reply while its entrypoint goes away: a longer one than most resolvers have."""
_MOST_WAITING = 16
"""Datagrams that are kept while the system looks up a name."""
_GONE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
"""What says that an endpoint is not there; most of it is heard of with the next datagram (ICMP)."""
_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN, errno.EADDRNOTAVAIL})
"""What says that this host has no more sockets, or no more ports."""


class Owner(Protocol):
    """What a session needs of its entrypoint; see `Datagrams`."""

    sweeper: Sweeper
    accepting: bool
    unmatched: Route
    timeout: float
    count: DatagramMetrics
    order: OrderedDict[Session, None]
    buffer: bytearray
    view: memoryview

    def evict(self, sparing: Session | None = None) -> bool:
        """End another session to make room; False when there is none."""

    def forget(self, session: Session) -> None:
        """It has ended."""


class Door(Protocol):
    """Where a session's datagrams came in, and its replies go out."""

    def reply(self, data: memoryview, session: Session) -> None:
        """Send from the address that the client has sent to. OSError."""

    def again(self, session: Session) -> Session | None:
        """A new one for the client of one that has ended, if it is to be served."""

    def forget(self, session: Session) -> None:
        """It has ended."""


class Session:
    """Open until nothing has come either way for `udp_session_timeout_secs`, or see `end`."""

    __slots__ = (
        "_answered",
        "_asked",
        "_ended",
        "_gate",
        "_gave",
        "_pending",
        "_receive",
        "_send",
        "_service",
        "_socket",
        "_task",
        "_version",
        "_visit",
        "address",
        "client",
        "count",
        "deadline",
        "door",
        "endpoint",
        "error",
        "key",
        "local",
        "received",
        "route",
        "seconds",
        "sent",
        "started",
        "upstream_seconds",
    )

    route: Route | None

    def __init__(self, gate: Owner, door: Door, key: Any, address: Any, local: Any) -> None:
        """`key` is what `door` knows it by, `address` is the client's, `local` where the client has sent to, if that
        is not always the same."""
        self.door = door
        self.key = key
        self.address = address
        self.local = local
        self.client: str = address[0].partition("%")[0]
        self.route = route = gate.unmatched
        self.count = gate.count
        self.deadline = gate.sweeper.now + gate.timeout
        self.started = monotonic()
        self.seconds = 0.0
        self.upstream_seconds = 0.0
        self.received = 0
        """Bytes."""
        self.sent = 0
        """Bytes."""
        self.error = ""
        self.endpoint: Endpoint | None = None
        request = Request()
        request.peer_ip = request.client_ip = self.client
        care = cast(Care, route.care)
        self._gate = gate
        self._visit = Visit(care.node, care.plans, request, care.importance)
        self._service: Service | None = None
        self._version = 0
        self._socket: socket.socket | None = None
        self._send: Callable[[Any], int] = self._keep
        self._receive: Callable[[Any], int] = len
        self._pending: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._asked = 0
        self._gave = 0
        self._answered = False
        self._ended = False

    def __repr__(self) -> str:
        return f"<Session [{self.client} → {self.endpoint.url if self.endpoint is not None else 'nobody'}]>"

    @property
    def attempts(self) -> int:
        """Endpoints asked."""
        return self._visit.attempts

    # From the client...

    def forward(self, data: memoryview) -> None:
        """A datagram has come."""
        gate = self._gate
        service = self._service
        if self.route is not gate.unmatched or (service is not None and service.version != self._version):
            successor = self._check()
            if successor is not self:
                if successor is not None:
                    successor.forward(data)
                return
        try:
            self._send(data)
        except OSError as error:
            self._not_sent(error, data)
            return
        count = self.count
        size = len(data)
        self.received += size
        self._asked += 1
        count.received += 1
        count.received_bytes += size
        self.deadline = gate.sweeper.now + gate.timeout
        gate.order.move_to_end(self)

    def _not_sent(self, error: OSError, data: memoryview) -> None:
        if error.errno not in _GONE:
            self.count.drop("too_long" if error.errno == errno.EMSGSIZE else "full")
        elif self.lost(error):
            self.forward(data)  # the error was of one before: this one has not been sent

    def _check(self) -> Session | None:
        """Something has changed; itself, or who comes in its place, if anybody does."""
        service = self._service
        if self.route is self._gate.unmatched and service is not None:
            endpoint = cast(Endpoint, self.endpoint)
            stays = endpoint in service.endpoints and not endpoint.draining and endpoint.keeps_clients(monotonic())
            if stays:
                self._version = service.version
                return self
        self.end("moved")
        return self.door.again(self)

    # To an endpoint...

    def connect(self) -> bool:
        """Find an endpoint; False when there is none, and then it has ended."""
        while True:
            choice = self._visit.next()
            if not isinstance(choice, Choice):
                self.error = choice.reason
                self.end("unreachable", failed=True)
                return False
            self.endpoint = choice.endpoint
            self._service = choice.service
            self._version = choice.service.version
            address = choice.endpoint.pool.address
            try:
                if not _is_literal(address.host):
                    self._task = spawn(self._look_up(address), "look up a name")
                    return True
                self._open(address.host, address.port)
            except OSError as error:
                if error.errno in _NONE_LEFT and not self._gate.evict(self):
                    self.error = "no more sockets"
                    self.end("no_socket")
                    return False
                if error.errno not in _NONE_LEFT:
                    self._visit.not_reached(ConnectError(str(error)))
                    continue
                self._visit.put_back()
            else:
                return True

    def _open(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            one.connect((host, port))
        except BaseException:
            one.close()
            raise
        self._socket = one
        self._send, self._receive = one.send, one.recv_into
        asyncio.get_running_loop().add_reader(one, self._readable)
        waiting, self._pending = self._pending, []
        for data in waiting:
            try:
                one.send(data)
            except OSError as error:
                self.count.drop("too_long" if error.errno == errno.EMSGSIZE else "full")

    def _close(self) -> None:
        one, self._socket = self._socket, None
        if one is not None:
            asyncio.get_running_loop().remove_reader(one)
            one.close()
        self._send, self._receive = self._keep, len
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def _keep(self, data: memoryview) -> int:
        """In the place of `send`, until there is a socket."""
        if len(self._pending) >= _MOST_WAITING:
            raise BlockingIOError(errno.EAGAIN, "too many wait")
        self._pending.append(bytes(data))
        return len(data)

    async def _look_up(self, address: Address) -> None:
        """For names that are left to the system; an IPv4 address comes first, as two cannot be tried at once."""
        try:
            seconds = self._visit.plan.connect_timeout
            async with asyncio.timeout(None if seconds == NO_LIMIT else seconds):
                found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
            host, port = min(found, key=lambda one: one[0] != socket.AF_INET)[4][:2]
            self._task = None
            self._open(str(host), int(port))
        except (OSError, UnicodeError, TimeoutError) as error:
            self._task = None
            self.lost(error)

    # From the endpoint...

    def _readable(self) -> None:
        gate = self._gate
        buffer, view, count = gate.buffer, gate.view, self.count
        for _ in range(_BURST):
            try:
                size = self._receive(buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.lost(error)
                return
            if not self._answered:
                self._answer()
            self._gave += 1
            try:
                self.door.reply(view[:size], self)
            except OSError as error:
                count.drop("too_long" if error.errno == errno.EMSGSIZE else "full")
            else:
                self.sent += size
                count.sent += 1
                count.sent_bytes += size
            if gate.accepting:
                self.deadline = gate.sweeper.now + gate.timeout
                gate.order.move_to_end(self)
            elif self._gave >= self._asked:
                self.end("drained")
                return
            if size < _SMALL:
                return

    def _answer(self) -> None:
        self._answered = True
        self._visit.answered()
        self.upstream_seconds = self.upstream_seconds or monotonic() - self.started

    def lost(self, error: Exception) -> bool:
        """The endpoint is not there, or its port is closed; False when there is no other, and then it has ended."""
        self._close()
        self._answered = False
        self._asked = self._gave  # what it owed will not come
        url = self.endpoint.url if self.endpoint is not None else ""
        self._visit.not_reached(ConnectError(f"cannot reach {url}: {error}"))
        return self.connect()

    # Ending...

    def drain(self, seconds: float) -> None:
        """At once, unless it waits for a reply; then after that, or a second."""
        if self._gave >= self._asked:
            self.end("drained")
        else:
            self.deadline = min(self.deadline, self._gate.sweeper.now + _GRACE)

    def abort(self) -> None:
        """Now."""
        self.end("drained")

    def overdue(self) -> None:
        """Nothing has come either way for long enough."""
        self.end("idle" if self._gate.accepting else "drained")

    def end(self, reason: str, *, failed: bool | None = None) -> None:
        """Exactly once; `reason` is one of a few fixed words. What was asked of the endpoint may still be answered,
        and nobody hears it."""
        if self._ended:
            return
        self._ended = True
        self._close()
        self._visit.over(failed)
        self.seconds = monotonic() - self.started
        if reason not in ("idle", "drained") and not self.error:
            self.error = reason
        self.count.end(reason)
        self.door.forget(self)
        self._gate.forget(self)
        route, self.route = self.route, None
        for observe in route.observers if route is not None else ():
            observe(self)


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdecimal()
