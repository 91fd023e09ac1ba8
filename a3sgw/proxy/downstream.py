"""One HTTP/1.1 connection from a client: reads requests one after the other and writes their answers in order."""

from __future__ import annotations

import asyncio
import re
import select
import socket
from typing import cast

from a3sgw.errors import ClientError
from a3sgw.http.chunked import LAST_CHUNK, ChunkDecoder, ChunkError
from a3sgw.http.encode import date_line, interim_head, response_head
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.parser import HttpRequestParser, feed
from a3sgw.http.repeat import RepeatedRequest
from a3sgw.http.request import read_request, repair
from a3sgw.http.secured import Secured
from a3sgw.proxy.careful import Careful
from a3sgw.proxy.exchange import Exchange
from a3sgw.proxy.forwarded import believed_lines, plain_lines
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.seam import Client
from a3sgw.proxy.tunnel import Make
from a3sgw.proxy.upgraded import Upgraded
from a3sgw.routing.route import Route
from a3sgw.sweeper import NEVER
from a3sgw.tls.termination import Termination
from a3sgw.unsent import is_lost, unread, unsent

_MAX_AHEAD = 64 * 1024
"""Bytes of pipelined requests read ahead while one is being answered; then the client waits."""
_MAX_DRAIN = 256 * 1024
"""Bytes of an unwanted body read and dropped to keep the connection; a longer one costs the client its connection."""
_LINGER = 2.0
"""Seconds to go on reading after the last answer, so that the client sees it and not a reset (RFC 9112 §9.6)."""
_HALF_CLOSED_GRACE = 0.025
"""Seconds that an answer may take to a client that has said everything before it is asked whether it is still there."""
_LOOKS = (0.02, 0.05)
"""When to look for its answer, in seconds from then; after that at every sweep."""
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
_CONTINUE_AFTER = 1.0
"""Seconds an endpoint has to answer ``Expect: 100-continue`` before the gateway says it (Go's transport does the
same)."""
_TCP_CLOSE = 7  # tcpi_state in linux/tcp.h
_AHEAD = 1
_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_HEAD, _LENGTH, _CHUNKED, _WHOLE, _DRAIN, _LINGERING, _CLOSED = range(7)


class Downstream(asyncio.Protocol):
    """The connection; `gate` holds what all its connections share and what a reload replaces."""

    __slots__ = (
        "_ahead",
        "_authority",
        "_begun",
        "_chunked",
        "_complete",
        "_continued",
        "_decoder",
        "_exchange",
        "_fed",
        "_forwarded",
        "_half_closed",
        "_head",
        "_held",
        "_keep",
        "_left",
        "_minor",
        "_parser",
        "_peer_ip",
        "_reading",
        "_repeat",
        "_secured",
        "_served",
        "_slow",
        "_state",
        "_transport",
        "_trusted",
        "_unsent",
        "deadline",
        "gate",
    )

    def __init__(self, gate: Gate) -> None:
        # Per connection
        self.gate = gate
        self.deadline = NEVER
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._peer_ip = ""
        self._trusted = False
        self._secured: Secured | None = None
        self._authority = b""
        self._forwarded = b""
        self._state = _HEAD
        self._reading = False
        self._held = 0
        self._slow = False
        self._unsent = 0
        """Bytes the client had not taken when that was last looked at."""
        self._half_closed = False
        self._served = 0
        self._repeat = RepeatedRequest()
        self._ahead = b""
        # Per request
        self._exchange: Exchange | None = None
        self._begun = False
        """Whether a head has begun that is not yet whole; with no parser then it is one to look at as a whole."""
        self._parser: HttpRequestParser | None = None
        self._complete = False
        self._fed = 0
        self._left = 0
        self._decoder: ChunkDecoder = cast(ChunkDecoder, None)
        self._minor = 1
        self._keep = True
        self._continued = False
        self._chunked = False
        self._head = b""

    def __repr__(self) -> str:
        names = ("HEAD", "LENGTH", "CHUNKED", "WHOLE", "DRAIN", "LINGERING", "CLOSED")
        return f"<Downstream [{self._peer_ip}, {names[self._state]}, {self._served} served]>"

    @property
    def route(self) -> Route | None:
        """The route of the running exchange."""
        return self._exchange.route if self._exchange is not None else None

    # Reading requests...

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._transport = cast(asyncio.Transport, transport)
        gate = self.gate
        peer = transport.get_extra_info("peername")
        if peer and not isinstance(peer, (str, bytes)):
            self._peer_ip = peer[0].partition("%")[0]
        elif not peer and is_lost(self._transport):
            self._state = _CLOSED
            self._transport.abort()
            return
        self._trusted = self._peer_ip in gate.trusted
        self.deadline = gate.sweeper.now + (gate.patience or gate.read_header_timeout)
        admitted = gate.admit(self, self._peer_ip)
        if not admitted:
            self._state = _CLOSED
            if admitted is not None:
                self._transport.write(_TOO_MANY)
            self._transport.close()

    def take_over(self, transport: asyncio.Transport, peer_ip: str, secured: Secured | None) -> None:
        """A connection that has been admitted, and looked at, by somebody else."""
        self._transport = transport
        self._peer_ip = peer_ip
        self._secured = secured
        gate = self.gate
        self._trusted = peer_ip in gate.trusted
        self.deadline = gate.sweeper.now + (gate.patience or gate.read_header_timeout)

    def part(self, termination: Termination | None, farewell: Gate) -> None:
        """Unless its TLS is what is asked for now, it ends after the answer it owes."""
        secured = self._secured
        if termination is None or secured is None:
            fits = termination is None and secured is None
        else:
            fits = secured.profile == termination.profile_for(secured.server_name)
        if not fits:
            self.gate = farewell
            self.drain(0.0)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        state = self._state
        if state == _HEAD:
            if self._ahead:
                data = self._ahead + data
                self._ahead = b""
            if self._slow:
                self._wait(data)  # first the answers it has, then more
            else:
                self._requests(data)
        elif state in (_LENGTH, _CHUNKED):
            self._requests(self._body(data))
        elif state == _WHOLE:
            self._wait(data)
        elif state == _DRAIN:
            self._requests(self._drain(data))

    def _requests(self, data: bytes) -> None:
        """Serve whole heads in `data` one after the other; what follows an unanswered one waits."""
        self._reading = True
        while data and self._state == _HEAD and not self._slow:
            data = self._next(data)
        self._reading = False
        if data:
            self._wait(data)

    def _wait(self, data: bytes) -> None:
        """Keep what was sent ahead of the answer, up to a limit."""
        if self._state == _LINGERING or self._state == _CLOSED:
            return
        if self._exchange is not None and self._exchange.request.upgrade:
            self._keep = False  # should it not come to that, nobody may take it for a request
        self._ahead += data
        if len(self._ahead) > _MAX_AHEAD:
            self.hold(_AHEAD)

    def _next(self, data: bytes) -> bytes:
        """One head, and what of its body is there; returns the bytes behind."""
        if data[0] == 13 and self._parser is None:
            return self._empty_lines(data)
        end = data.find(b"\r\n\r\n") + 4
        gate = self.gate
        if end == 3:
            self._partial(data)
            return b""
        if end > gate.max_header_bytes:
            self._too_large(data)
            return b""
        head = data[:end]
        try:
            request = self._repeat.read(head, gate.head_rules)
        except ClientError as error:
            self._refuse(error, head)
            return b""
        if request is None or self._parser is not None:
            request = self._read(head)
            if request is None:
                return b""
        return self._begin(request, data[end:])

    def _read(self, head: bytes) -> Request | None:
        """A head that is not the same again: parsed, scanned, and remembered; None when it was refused."""
        gate = self.gate
        self._complete = False
        try:
            parser, self._parser = self._parser, None  # whatever it says, it is done with
            if parser is None:
                feed(HttpRequestParser(self), head)
            else:
                feed(parser, head[self._fed :])
            if not self._complete:
                raise ValueError("the head does not end where it should")
        except ValueError as error:
            repaired = repair(head)
            if repaired is None:
                self._refuse(ClientError(400, str(error)), head)
                return None
            head = repaired
        try:
            request = read_request(head, gate.head_rules)
            if request.expect and request.expect != b"100-continue":
                raise ClientError(417, "unknown expectation")
        except ClientError as error:
            self._refuse(error, head)
            return None
        self._repeat.remember(request, head, gate.head_rules)
        return request

    def _empty_lines(self, data: bytes) -> bytes:
        """RFC 9112 §2.2: empty lines before a request are ignored; they do not move its deadline."""
        rest = data.lstrip(b"\r\n")
        skipped = len(data) - len(rest)
        if data == b"\r":
            self._ahead = data
            return b""
        if data[:skipped].replace(b"\r\n", b"") not in (b"", b"\r" if not rest else b""):
            self._refuse(ClientError(400, "malformed empty line"))
            return b""
        if not rest and skipped % 2:
            self._ahead = b"\r"
        return rest

    def on_headers_complete(self) -> None:
        """The parser agrees that the head ends here."""
        self._complete = True

    def _begin(self, request: Request, rest: bytes) -> bytes:
        gate = self.gate
        self._served += 1
        self._begun = False
        self._minor = request.minor
        self._keep = request.persistent
        self._continued = False
        request.peer_ip = request.client_ip = self._peer_ip
        request.scheme = gate.scheme
        if self._secured is not None:
            request.secured = self._secured
        if self._trusted or request.managed is not None or not gate.request_id:
            own = self._own_lines(request)
        else:
            if request.authority != self._authority or not self._forwarded:
                self._authority = request.authority
                lines = plain_lines(self._peer_ip, request.scheme, request.authority)
                self._forwarded = lines + b"X-Request-Id: "
            identity = request.id = gate.new_id()
            own = self._forwarded + identity + b"\r\n"
        route = gate.find(request) or gate.unmatched
        make = Exchange if route.care is None else Careful
        exchange = self._exchange = make(self, request, own, route)
        length = request.content_length
        if length == 0:
            self._state = _WHOLE
            self.deadline = NEVER
            if not rest:
                exchange.begin()
                return rest
            if request.upgrade:  # these bytes are for what comes after it, or for nobody
                self._wait(rest)
                exchange.begin()
                return b""
            if gate.accepting:
                exchange.begin()
                return rest
            self._ahead = rest  # an answer made at once has to know that it is not the last
            exchange.begin()
            rest, self._ahead = self._ahead, b""
            return rest
        if length is None:
            self._state = _CHUNKED
            self._decoder = ChunkDecoder()
        else:
            self._state = _LENGTH
            self._left = length
        self.deadline = self._body_deadline(exchange)
        exchange.begin()
        if rest and self._exchange is exchange:
            return self._body(rest)
        if rest and self._state == _DRAIN:
            return self._drain(rest)
        return rest

    def _body_deadline(self, exchange: Exchange) -> float:
        """When the next piece of the body is due, or when the gateway itself says that it may come."""
        if exchange.expects_continue and not self._continued:
            return self.gate.sweeper.now + _CONTINUE_AFTER
        return self.gate.sweeper.now + self.gate.body_idle_timeout

    def _own_lines(self, request: Request) -> bytes:
        """The field lines the gateway adds for the endpoint, where they take more thought than for a stranger."""
        gate = self.gate
        if self._trusted:
            request.trusted = True
            forwarded = believed_lines(request, gate.trusted)
        else:
            forwarded = plain_lines(self._peer_ip, request.scheme, request.authority)
        if request.managed is not None:
            self._take_id(request)
        if gate.request_id and not request.id:
            request.id = gate.new_id()
        own = b"%bX-Request-Id: %b\r\n" % (forwarded, request.id) if request.id else forwarded
        return own + b"Upgrade: %b\r\nConnection: Upgrade\r\n" % request.upgrade if request.upgrade else own

    def _take_id(self, request: Request) -> None:
        """The id the client sent: believed from trusted peers, and passed on where the gateway makes none."""
        for name, value in request.managed or ():
            if name == b"x-request-id" and (self._trusted or not self.gate.request_id) and _ID.fullmatch(value):
                request.id = value

    def _partial(self, data: bytes) -> None:
        """Not a whole head yet: check what there is, so that garbage is refused now and not at a timeout."""
        gate = self.gate
        if len(data) > gate.max_header_bytes:
            self._too_large(data)
            return
        if not self._begun:
            self._begun = True
            self._parser = HttpRequestParser(self)
            self._fed = 0
            self.deadline = gate.sweeper.now + gate.read_header_timeout
        if self._parser is not None:
            try:
                feed(self._parser, data[self._fed :])
                self._fed = len(data)
            except ValueError as error:
                if not data[:1].isalpha() or b"\n" in data.replace(b"\r\n", b""):
                    self._refuse(ClientError(400, str(error)))
                    return
                self._parser, self._fed = None, 0  # may be repaired once it is whole; until then only time is looked at
        self._ahead = data

    def _too_large(self, data: bytes) -> None:
        line = data.find(b"\r\n")
        target = line < 0 or line > self.gate.max_header_bytes
        self._refuse(
            ClientError(414 if target else 431, "the target is too long" if target else "the head is too large")
        )

    def _refuse(self, error: ClientError, head: bytes = b"") -> None:
        """Answer a head that never became a request; it is counted and logged like any other, then the connection
        ends."""
        request = Request()
        request.head = head[:-2]
        first = head.split(b" ", 2) if head else []
        request.method, request.raw_target = (first[0], first[1]) if len(first) == 3 else (b"", b"")
        request.peer_ip = request.client_ip = self._peer_ip
        request.id = self.gate.new_id()
        self._keep = False
        self._minor = 1
        self._parser = None
        self._begun = False
        self._served += 1
        self._state = _LENGTH
        self._left = _MAX_DRAIN + 1  # whatever follows belongs to nobody
        self._exchange = Exchange(self, request, b"", self.gate.unmatched)
        self._exchange.fail(error)

    def _body(self, data: bytes) -> bytes:
        """Pass on body bytes; returns what lies behind the body."""
        exchange = cast(Exchange, self._exchange)
        trailers = rest = b""
        if not self._held:
            self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout
        if self._state == _LENGTH:
            left = self._left = self._left - len(data)
            if left < 0:
                data, rest = data[:left], data[left:]
            ended = left <= 0
        else:
            try:
                data = self._decoder.feed(data)
            except ChunkError as error:
                self._keep = False
                self._left = _MAX_DRAIN + 1
                exchange.fail(ClientError(400, str(error)))
                return b""
            ended, rest, trailers = self._decoder.ended, self._decoder.rest, self._decoder.trailers
        if data:
            exchange.on_request_body(data)
        if not ended:
            return b""
        if exchange is self._exchange and not exchange.finished:
            self._state = _WHOLE
            self.deadline = NEVER
            exchange.on_request_end(trailers)
        return rest

    def _drain(self, data: bytes) -> bytes:
        """Drop the rest of a body nobody wants; returns what lies behind it."""
        left = self._left = self._left - len(data)
        if left > 0:
            return b""
        self._next_request()
        return data[left:] if left else b""

    # Writing answers...

    def interim(self, status: int, headers: Headers) -> None:
        """A 1xx head, unless the final one has gone; HTTP/1.0 has none (RFC 9110 §15.2)."""
        if self._minor == 1 and self._state != _CLOSED and self._exchange is not None and not self._exchange.status:
            if status == 100:
                if self._continued:
                    return
                self._continued = True
            self._transport.write(interim_head(status, headers))

    def send(self, response: Response, length: int, more: bool) -> None:
        """The final head (see `Client.send`)."""
        own = b""
        self._chunked = False
        if length < 0:
            if self._minor == 1:
                self._chunked = True
                own = b"Transfer-Encoding: chunked\r\n"
            else:
                self._keep = False
        if self._state != _WHOLE and cast(Exchange, self._exchange).expects_continue and not self._continued:
            self._keep = False  # the client may or may not send the body now: only a new connection is unambiguous
        if not response.received_status:
            own += date_line()
            if self._state == _CHUNKED or (self._state == _LENGTH and self._left > _MAX_DRAIN):
                self._keep = False  # the rest of that body will not be read
        if not self._keep or not (self.gate.accepting or self._goes_on()):
            self._keep = False
            own += b"Connection: close\r\n"
        elif self._minor == 0:
            own += b"Connection: keep-alive\r\n"
        head = response_head(response, own)
        if more:
            self._head = head
        else:
            self._transport.write(head)

    def _goes_on(self) -> bool:
        """While the entrypoint closes: whether more requests have been sent ahead, and there is time to answer them."""
        return bool(self._ahead) and self.gate.sweeper.now < self.gate.patient_until

    def send_whole(self, response: Response, body: bytes) -> None:
        """Head and body at once."""
        if self._keep and self._minor and self._state == _WHOLE and self.gate.accepting and len(body) < 16384:
            headers = response._headers
            if headers is None or not headers.changed:
                self._transport.write(b"".join((response.head, b"\r\n", body)))
            else:
                self._transport.write(response_head(response, b"") + body)
            self._chunked = False
            return
        self.send(response, len(body), True)
        if body:
            self.write(body)
        self.end(b"")

    def write(self, data: bytes) -> None:
        """A piece of the body."""
        head = self._head
        if self._chunked:
            size = len(data)
            if size < 16384:
                self._transport.write(b"%b%x\r\n%b\r\n" % (head, size, data))
            else:
                self._transport.writelines((b"%b%x\r\n" % (head, size), data, b"\r\n"))
            self._head = b""
        elif head:
            self._head = b""
            if len(data) < 16384:
                self._transport.write(head + data)
            else:
                self._transport.writelines((head, data))
        else:
            self._transport.write(data)

    def write_last(self, data: bytes) -> None:
        """The last piece: a chunk waits for the one that ends the body, for each writing is a system call."""
        size = len(data)
        if self._chunked and size < 16384:
            self._head += b"%x\r\n%b\r\n" % (size, data)
        else:
            self.write(data)

    def end(self, trailers: bytes) -> None:
        """The response is whole."""
        tail = self._head
        if self._chunked:
            tail += b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK
        if tail:
            self._head = b""
            self._transport.write(tail)

    def switch(
        self, response: Response, protocol: bytes, make: Make, endpoint: asyncio.Transport, early: bytes
    ) -> Client:
        """The last head; then the connection is the tunnel's (see `Client.switch`)."""
        self._transport.write(response_head(response, b"Upgrade: %b\r\nConnection: Upgrade\r\n" % protocol))
        ahead, self._ahead = self._ahead, b""
        self._state = _CLOSED
        self._exchange = None
        gate = self.gate
        tunnel = make(gate.sweeper)
        gate.replace(self, tunnel)
        upgraded = Upgraded(gate, tunnel)
        tunnel.join(self._transport, endpoint, ahead, early, self._slow)
        if not gate.accepting:  # the entrypoint closes, or a reload has come, while the endpoint was being asked
            tunnel.drain(gate.cut_at - gate.sweeper.now)
        elif not gate.serves(tunnel.route):
            tunnel.retire(tunnel.terms.drain_timeout)
        if self._half_closed:
            tunnel.client.eof_received()
        return upgraded

    def cut(self, data: bytes) -> bool:
        """In chunked coding the last chunk is missing; without it only a reset tells that something is (`abort`)."""
        if not self._chunked:
            return False
        self._keep = False
        self.write(data)
        return True

    def abort(self) -> None:
        """Reset, so that a body that ends here can never pass for a whole one (semantics T-2)."""
        self._state = _CLOSED
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._transport.abort()

    def finished(self) -> None:
        """The exchange is over: next request, or close."""
        exchange = self._exchange
        self._exchange = None
        state = self._state
        if state == _CLOSED or exchange is None:
            return
        if state == _WHOLE:
            if self._keep and (self.gate.accepting or self.gate.patience):
                if not (self._ahead or self._held or self._half_closed):  # nothing to go on with: wait for it
                    self._state = _HEAD
                    self.deadline = self.gate.sweeper.now + self.gate.idle_timeout
                    return
                self._next_request()
            elif self._half_closed or not (self._ahead or self.gate.patience):
                self._close()
            else:
                self._linger()
        elif self._keep and not self._half_closed and exchange.request.content_length is not None:
            self._drain_or_linger()
        else:
            self._linger()

    def _next_request(self) -> None:
        self._state = _HEAD
        self.deadline = self.gate.sweeper.now + self.gate.idle_timeout
        self._release_all()
        if self._ahead and not self._reading:
            data, self._ahead = self._ahead, b""
            self._requests(data)
        if self._half_closed and self._state == _HEAD and not self._reading and not self._waits_to_be_read:
            self._close()  # what was sent ahead is answered, or will never be whole

    @property
    def _waits_to_be_read(self) -> bool:
        """Whether requests sent ahead wait for the client to read the answers it has."""
        return self._slow and bool(self._ahead)

    def _release_all(self) -> None:
        if self._held:
            self._held = 0
            self._transport.resume_reading()

    def _drain_or_linger(self) -> None:
        """A body is still coming that nobody wants: a short one is cheaper to read than a new connection."""
        if 0 < self._left <= _MAX_DRAIN:
            self._state = _DRAIN
            self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout
            self._release_all()
        else:
            self._linger()

    # Slow sides...

    def release(self, reason: int) -> None:
        """Read on, unless another reason holds."""
        if self._held & reason:
            self._held &= ~reason
            if not self._held and self._state != _CLOSED:
                self._transport.resume_reading()
                if self._state in (_LENGTH, _CHUNKED) and self._exchange is not None:
                    self.deadline = self._body_deadline(self._exchange)

    def hold(self, reason: int) -> None:
        """Read no more of the request for now."""
        if not self._held and self._state != _CLOSED:
            self._transport.pause_reading()
        self._held |= reason
        if self._state in (_LENGTH, _CHUNKED):
            self.deadline = NEVER  # it is not the client who is slow

    def pause_writing(self) -> None:
        """The client reads slowly (asyncio.BaseProtocol)."""
        self._slow = True
        self._unsent = unsent(self._transport)
        if self._exchange is not None:
            self._exchange.on_client_slow()
        if self._state == _WHOLE:
            self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout

    def resume_writing(self) -> None:
        """The client has caught up (asyncio.BaseProtocol)."""
        self._slow = False
        if self._state == _WHOLE:
            self.deadline = 0.0 if self._half_closed else NEVER
        if self._exchange is not None:
            self._exchange.on_client_ready()
        elif self._state == _HEAD and self._ahead:
            self._next_request()

    # Ending...

    def eof_received(self) -> bool:
        """The client sends no more. It may still read (half-closed), so a running exchange goes on for now."""
        self._half_closed = True
        state = self._state
        if state == _WHOLE:
            if self._gets_events() or self._is_gone():
                self._give_up(cast(Exchange, self._exchange))
            else:
                asyncio.get_running_loop().call_later(_HALF_CLOSED_GRACE, self._probe)
            return self._state != _CLOSED
        if state in (_LENGTH, _CHUNKED) and self._exchange is not None:
            self._keep = False
            self._exchange.fail(ClientError(400, "the body ended early"))
            return self._state != _CLOSED
        return state == _HEAD and self._waits_to_be_read

    def _probe(self) -> None:
        """Has the client only stopped sending, or gone? TCP tells the two apart only once something is sent, so send
        the one thing any HTTP/1.1 client ignores; a client that is gone resets (checked at each sweep)."""
        if self._state == _WHOLE and self._exchange is not None and not self._exchange.finished:
            if self._gets_events():
                self._give_up(self._exchange)
                return
            if not self._continued:
                self.interim(100, Headers())
            if not self._slow:
                self.deadline = 0.0  # look at every sweep; a slow client is looked at once it has caught up
            loop = asyncio.get_running_loop()
            for seconds in _LOOKS:
                loop.call_later(seconds, self._look)

    def _look(self) -> None:
        exchange = self._exchange
        if self._state == _WHOLE and exchange is not None and not (exchange.finished or self._slow) and self._is_gone():
            self._give_up(exchange)

    def _gets_events(self) -> bool:
        """Whether an event stream is on its way: whoever listens to one and hangs up has left, and for
        long there may be nothing to send that would show it."""
        exchange = self._exchange
        if exchange is None or not exchange.status or exchange.response is None:
            return False
        return (exchange.response.headers.get(b"content-type") or b"").lower().startswith(b"text/event-stream")

    def _is_gone(self) -> bool:
        raw = self._transport.get_extra_info("socket")
        if raw is None or raw.fileno() < 0:
            return False
        if raw.family == socket.AF_UNIX:
            look = select.poll()
            look.register(raw.fileno(), 0)
            return any(events & select.POLLHUP for _, events in look.poll(0))
        return bool(raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == _TCP_CLOSE)

    def overdue(self) -> None:
        """The sweeper's call; what it means depends on what was awaited."""
        state, exchange = self._state, self._exchange
        if (self._slow or state in (_LINGERING, _CLOSED)) and self._takes_bytes():
            self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout
        elif state == _WHOLE and exchange is not None:
            if self._half_closed and not self._slow:
                self.deadline = 0.0
                if self._is_gone():
                    self._give_up(exchange)
            else:
                exchange.error = "the client stopped reading"
                self._give_up(exchange)
        elif state in (_LENGTH, _CHUNKED) and exchange is not None:
            if self._slow:
                self._give_up(exchange)
            elif exchange.status:
                self.deadline = NEVER  # answered before the body is whole: the answer's own limits hold now
            elif exchange.expects_continue and not self._continued:
                self.interim(100, Headers())
                self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout
            else:
                self._keep = False
                exchange.fail(ClientError(408, "the body stopped"))
        elif state == _HEAD and self._ahead and not self._slow:
            self._refuse(ClientError(408, "the head did not arrive in time"))
        elif state == _HEAD and not (self._slow or self._held) and unread(self._transport):
            self.deadline = self.gate.sweeper.now  # a request came in time, it is this process that was late
        elif state in (_HEAD, _DRAIN):
            self._close()
        else:
            self._state = _CLOSED
            self._transport.abort()

    def _takes_bytes(self) -> bool:
        """Whether the client has taken anything since the last look: slow is not the same as gone."""
        before, self._unsent = self._unsent, unsent(self._transport)
        return 0 < self._unsent < before

    def _give_up(self, exchange: Exchange) -> None:
        self._state = _CLOSED
        self._exchange = None
        exchange.on_client_lost()
        self.abort()

    def _close(self) -> None:
        """Close once everything written has left, or after a while."""
        self._state = _CLOSED
        self._unsent = unsent(self._transport)
        self.deadline = self.gate.sweeper.now + self.gate.body_idle_timeout
        self._transport.close()

    def _linger(self) -> None:
        """Say that this is all, and go on reading for a moment."""
        if self._half_closed or self._transport.is_closing():
            self._close()
            return
        self._state = _LINGERING
        self._ahead = b""
        self._unsent = unsent(self._transport)
        self.deadline = self.gate.sweeper.now + _LINGER
        self._release_all()
        self._transport.write_eof()

    def drain(self, seconds: float = 0.0) -> None:
        """The entrypoint closes: an idle connection goes now or soon, a busy one after its answer."""
        if self._state == _HEAD and not self._ahead:
            if self.gate.patience:
                self.deadline = min(self.deadline, self.gate.sweeper.now + self.gate.patience)
            else:
                self._close()

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self.gate.leave(self)
        self._state = _CLOSED
        exchange = self._exchange
        if exchange is not None:
            exchange.on_client_lost()
            self._exchange = None
