"""One HTTP/1.1 connection to an endpoint: sends a request, reads one answer, and returns to its pool."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast

from a3sgw.errors import ConnectionLost, ProtocolError, ReadTimeout, UpstreamError
from a3sgw.http.chunked import LAST_CHUNK, ChunkDecoder, ChunkError, encode_chunk
from a3sgw.http.parser import HttpResponseParser, feed
from a3sgw.http.repeat import RepeatedResponse
from a3sgw.http.response import CHUNKED, Incoming, read_response
from a3sgw.plan import Plan
from a3sgw.sweeper import NEVER, Sweeper
from a3sgw.unsent import unsent
from a3sgw.upstream.seam import Sink

MAX_HEAD = 256 * 1024
"""Bytes of a response head, and of all 1xx heads before it; more is a broken or hostile endpoint."""
_TCP_ESTABLISHED = 1  # tcpi_state in linux/tcp.h
_IDLE, _HEAD, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _CLOSED = range(6)


class Home(Protocol):
    """Where a connection belongs: its pool."""

    repeated: RepeatedResponse

    @property
    def address(self) -> object:
        """Where its connections lead, for messages."""

    def give(self, upstream: Upstream, hint: int | None) -> None:
        """Keep it; `hint` is how many seconds the endpoint said it keeps it."""

    def remove(self, upstream: Upstream) -> None:
        """It has closed."""


class Upstream(asyncio.Protocol):
    """The connection; while an exchange uses it, `sink` is where the answer goes."""

    __slots__ = (
        "_buffer",
        "_chunked",
        "_complete",
        "_decoder",
        "_fed",
        "_incoming",
        "_left",
        "_method",
        "_parser",
        "_paused",
        "_plan",
        "_request_ended",
        "_stalled",
        "_state",
        "_sweeper",
        "_total",
        "_transport",
        "_unsent",
        "deadline",
        "pool",
        "reused",
        "sink",
    )

    def __init__(self, pool: Home, sweeper: Sweeper) -> None:
        # Per connection
        self.pool = pool
        self.deadline = NEVER
        self.reused = False
        self._sweeper = sweeper
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._state = _IDLE
        self._paused = False
        self._stalled = False
        self._unsent = 0
        # Per exchange
        self.sink: Sink | None = None
        self._plan: Plan = cast(Plan, None)
        self._method = b""
        self._chunked = False
        self._request_ended = True
        self._buffer = b""
        self._parser: HttpResponseParser | None = None
        self._complete = False
        self._fed = 0
        self._incoming: Incoming | None = None
        self._left = 0
        self._decoder: ChunkDecoder = cast(ChunkDecoder, None)
        self._total = NEVER

    def __repr__(self) -> str:
        names = ("IDLE", "HEAD", "LENGTH", "CHUNKED", "UNTIL_CLOSE", "CLOSED")
        return f"<Upstream [{self.pool.address}, {names[self._state]}]>"

    # Sending the request...

    def send(self, sink: Sink, head: bytes, method: bytes, chunked: bool, ended: bool, plan: Plan) -> None:
        """Write a request head; with `ended` it has no body. The answer goes to `sink`."""
        self.sink = sink
        self._plan = plan
        self._method = method
        self._chunked = chunked
        self._request_ended = ended
        self._state = _HEAD
        self._left = 0
        self.deadline = self._sweeper.now + plan.request_timeout if ended else NEVER
        self._transport.write(head)

    def write(self, data: bytes) -> None:
        """A piece of the request body."""
        if self._state != _CLOSED:
            self._transport.write(encode_chunk(data) if self._chunked else data)

    def end(self, trailers: bytes = b"") -> None:
        """The request is whole; the endpoint's time to answer starts now."""
        if self._state == _CLOSED:
            return
        self._request_ended = True
        if self._chunked:
            self._transport.write(b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK)
        if self._state == _HEAD:
            self.deadline = self._sweeper.now + self._plan.request_timeout

    def pause_writing(self) -> None:
        """The endpoint reads slowly: its buffer is full (asyncio.BaseProtocol)."""
        self._stalled = True
        self._unsent = unsent(self._transport)
        if self.sink is not None:
            self.sink.pause()
            self.deadline = self._sweeper.now + self._plan.stream_idle_timeout

    def resume_writing(self) -> None:
        """The buffer has drained (asyncio.BaseProtocol)."""
        self._stalled = False
        if self.sink is not None:
            self.sink.resume()
            if not self._request_ended:
                self.deadline = NEVER
            elif self._state == _HEAD:
                self.deadline = self._sweeper.now + self._plan.request_timeout
            else:
                self._touch()

    # Receiving the response...

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._sweeper.watch(self)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        state = self._state
        if state == _LENGTH:
            self._length(data)
        elif state == _HEAD:
            self._head(data)
        elif state == _CHUNKED:
            self._chunk(data)
        elif state == _UNTIL_CLOSE:
            self._touch()
            cast(Sink, self.sink).on_body(data)
        elif state == _IDLE:
            self.close()  # nobody asked: an answer to a request that was never sent must not meet the next one

    def on_headers_complete(self) -> None:
        """The parser agrees that the head ends here."""
        self._complete = True

    def _head(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                self._partial(data)
                return
            head = data[:end]
            sink = cast(Sink, self.sink)
            incoming = self.pool.repeated.read(head, self._method, sink.only_reads)
            if incoming is None or self._parser is not None:
                incoming = self._read(head)
                if incoming is None:
                    return
            if incoming.status >= 200:
                break
            data = data[end:]
            if not self._interim(incoming, data):
                return
            if not data:
                return
        if incoming.length == len(data) - end and sink.takes_whole:
            self.sink = None
            if incoming.keep and self._request_ended and not self._stalled and not self._paused:
                self._state = _IDLE
                self.reused = True
                self.pool.give(self, incoming.idle)
            else:
                self._finished(incoming, b"")
            sink.on_whole(incoming, data[end:])
        else:
            self._start(incoming, data[end:])

    def _read(self, head: bytes) -> Incoming | None:
        """A head that is not the same again: parsed, scanned, and remembered; None when it ended the connection."""
        try:
            self._complete = False
            if self._parser is None:
                feed(HttpResponseParser(self), head)
            else:
                feed(self._parser, head[self._fed :])
                self._parser = None
            if not self._complete:
                raise ValueError("the head does not end where it should")
            incoming = read_response(head, self._method)
        except ValueError as error:
            self._break(ProtocolError(f"malformed response: {error}"))
            return None
        self.pool.repeated.remember(incoming, head, self._method)
        return incoming

    def _partial(self, data: bytes) -> None:
        """Not a whole head yet: check what there is, so that garbage is noticed now and not at a timeout."""
        if len(data) > MAX_HEAD:
            self._break(ProtocolError("the response head is too large"))
            return
        if self._parser is None:
            self._parser = HttpResponseParser(self)
            self._fed = 0
        try:
            feed(self._parser, data[self._fed :])
        except ValueError as error:
            self._break(ProtocolError(f"malformed response: {error}"))
            return
        self._fed = len(data)
        self._buffer = data

    def _interim(self, incoming: Incoming, rest: bytes) -> bool:
        """Relay a 1xx; False when it ended the connection, or this protocol on it."""
        status = incoming.status
        if status == 101:
            if not cast(Sink, self.sink).on_switch(self, incoming, rest):
                self._break(ProtocolError("switched protocols without being asked"))
            return False
        self._left += 1
        if self._left > 100:
            self._break(ProtocolError("too many interim responses"))
            return False
        sink = cast(Sink, self.sink)
        sink.on_interim(status, incoming.headers)
        return self.sink is sink

    def _start(self, incoming: Incoming, data: bytes) -> None:
        sink = cast(Sink, self.sink)
        length = incoming.length
        self._left = 0
        self._incoming = incoming
        if length == 0:
            sink.on_head(incoming, True)
            if self.sink is sink:
                self._end(data)
            return
        self._total = self._sweeper.now + self._plan.stream_total_timeout
        if length > 0:
            self._left = length
            self._state = _LENGTH
        elif length == CHUNKED:
            self._decoder = ChunkDecoder()
            self._state = _CHUNKED
        else:
            self._state = _UNTIL_CLOSE
        self._touch()
        if length == CHUNKED and data:
            self._first_chunk(sink, incoming, data)
            return
        sink.on_head(incoming, bool(data))
        if data and self.sink is sink:
            self.data_received(data)

    def _first_chunk(self, sink: Sink, incoming: Incoming, data: bytes) -> None:
        """Decode before the head goes out: coding that is broken from its first byte still becomes a clean 502."""
        try:
            payload = self._decoder.feed(data)
        except ChunkError as error:
            self._break(ProtocolError(str(error)))
            return
        sink.on_head(incoming, bool(payload) or self._decoder.ended)
        if self.sink is sink:
            self._decoded(sink, payload)

    def _length(self, data: bytes) -> None:
        sink = cast(Sink, self.sink)
        left = self._left - len(data)
        if left > 0:
            self._left = left
            self._touch()
            sink.on_body(data)
        elif left == 0:
            sink.on_body(data)
            if self.sink is sink:
                self._end(b"")
        else:
            sink.on_body(data[: self._left])
            if self.sink is sink:
                self._end(data[self._left :])

    def _chunk(self, data: bytes) -> None:
        decoder = self._decoder
        try:
            payload = decoder.feed(data)
        except ChunkError as error:
            self._break(ProtocolError(str(error)))
            return
        deadline = self._sweeper.now + self._plan.stream_idle_timeout  # as `_touch`, for each event of a stream
        self.deadline = deadline if self._total == NEVER else min(deadline, self._total)
        sink = self.sink
        if sink is None:
            return
        if not decoder.ended:
            if payload:
                sink.on_body(payload)
            return
        if payload:
            sink.on_last(payload)
        if self.sink is sink:
            self._end(decoder.rest, decoder.trailers)

    def _decoded(self, sink: Sink, payload: bytes) -> None:
        ended = self._decoder.ended
        if payload:
            (sink.on_last if ended else sink.on_body)(payload)
        if self.sink is sink and ended:
            self._end(self._decoder.rest, self._decoder.trailers)

    def _end(self, rest: bytes, trailers: bytes = b"") -> None:
        """The answer is whole: go back to the pool, or close, then tell."""
        sink = cast(Sink, self.sink)
        incoming = cast(Incoming, self._incoming)
        self.sink = None
        self._incoming = None
        self._finished(incoming, rest)
        sink.on_end(trailers)

    def _finished(self, incoming: Incoming, rest: bytes) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if incoming.keep and self._request_ended and not rest and not self._stalled:
            self._state = _IDLE
            self.reused = True
            self.pool.give(self, incoming.idle)
        else:
            self.close()

    def pause_reading(self) -> None:
        """The client is slow: let the kernel hold the endpoint back."""
        if not self._paused and self._state != _CLOSED:
            self._paused = True
            self._transport.pause_reading()
            self.deadline = self._total

    def resume_reading(self) -> None:
        """The client has caught up."""
        if self._paused and self._state != _CLOSED:
            self._paused = False
            self._transport.resume_reading()
            if self._state == _HEAD:
                self.deadline = self._sweeper.now + self._plan.request_timeout
            else:
                self._touch()

    def hurry(self, seconds: float) -> None:
        """The answer has to end within this time, whatever its plan says."""
        self._total = min(self._total, self._sweeper.now + seconds)
        self.deadline = min(self.deadline, self._total)

    @property
    def is_there(self) -> bool:
        """Whether the endpoint has not closed it as far as the kernel knows, who may know before we are told; 1 µs."""
        raw = self._transport.get_extra_info("socket")
        if raw is None or raw.family == socket.AF_UNIX:
            return self._state == _IDLE
        return bool(raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == _TCP_ESTABLISHED)

    # Ending...

    def _touch(self) -> None:
        """Something arrived: the idle clock starts anew."""
        idle = self._sweeper.now + self._plan.stream_idle_timeout
        self.deadline = min(idle, self._total)

    def overdue(self) -> None:
        """The sweeper's call: an idle connection is closed, a silent endpoint is given up."""
        if self._state == _IDLE:
            self.close()
        elif self._state == _CLOSED:
            self._transport.abort()
        elif self._stalled and self._takes_bytes():
            self.deadline = self._sweeper.now + self._plan.stream_idle_timeout
        elif self._state == _HEAD:
            self._break(
                ReadTimeout("no response head in time" if self._request_ended else "the endpoint stopped reading")
            )
        else:
            late = self._total <= self._sweeper.now
            self._break(
                ReadTimeout("the response took longer than stream_total_timeout" if late else "the response stopped")
            )

    def _takes_bytes(self) -> bool:
        """Whether the endpoint has taken anything since the last look."""
        before, self._unsent = self._unsent, unsent(self._transport)
        return 0 < self._unsent < before

    def eof_received(self) -> bool:
        """The endpoint has said everything (asyncio.Protocol); this is the end of a body without length."""
        sink = self.sink
        if sink is None:
            self.close()  # out of the pool at once: the next request must not meet it
        elif self._state == _UNTIL_CLOSE:
            self.sink = None
            self.close()
            sink.on_end(b"")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self._sweeper.forget(self)
        self.pool.remove(self)
        sink, state = self.sink, self._state
        self.sink = None
        self._state = _CLOSED
        if sink is not None:
            stale = self.reused and state == _HEAD and not self._buffer
            where = "before an answer" if state == _HEAD else "within its answer"
            sink.on_lost(ConnectionLost(f"the endpoint closed {where}"), stale)

    def detach(self) -> asyncio.Transport:
        """The connection is the caller's from now on, who gives it another protocol at once; it never comes back."""
        self.sink = None
        self._state = _CLOSED
        self._sweeper.forget(self)
        return self._transport

    def _break(self, error: UpstreamError) -> None:
        sink = self.sink
        self.abort()
        if sink is not None:
            sink.on_lost(error, False)

    def abort(self) -> None:
        """Close at once and tell nobody."""
        self.sink = None
        self._state = _CLOSED
        self.pool.remove(self)
        self._transport.abort()

    def close(self) -> None:
        """Close once everything written has left; abandoned if that takes longer than a connect may."""
        self._state = _CLOSED
        self.pool.remove(self)
        self.deadline = self._sweeper.now + 5.0
        self._transport.close()
