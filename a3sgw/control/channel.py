"""One end of the socket pair between the supervisor and a worker: whole messages, and descriptors with them.

A frame is eight bytes (length of the body, version of the messages, number of descriptors) and the body.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence

from a3sgw.control.descriptors import receive as receive_descriptors
from a3sgw.control.messages import VERSION, BadMessage
from a3sgw.control.watch import Watch

_HEADER = struct.Struct("<IHH")
_READ = 256 * 1024
MOST_DESCRIPTORS = 200
"""With one message; the kernel's own limit is 253 (SCM_MAX_FD, unix(7))."""
LARGEST = 64 * 1024 * 1024
"""Bytes of one message."""
MOST_QUEUED = 256 * 1024 * 1024
"""Bytes that may wait for an end that does not read; then the channel is closed."""

Receive = Callable[[bytes, list[int]], None]
"""Takes the body of a message and the descriptors that came with it; it owns those. BadMessage closes the channel."""


class Channel:
    """Calls `receive` for each message and `lost` once when the other end has gone, with the reason."""

    def __init__(self, end: socket.socket, receive: Receive, lost: Callable[[str], None]) -> None:
        end.setblocking(False)
        self._end = end
        self._receive = receive
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._incoming = bytearray()
        self._descriptors: deque[int] = deque()
        self._outgoing: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._queued = 0
        self._turn: asyncio.Handle | None = None
        self._open = True
        self._ended = ""
        self._watch = Watch(end.fileno(), self._readable, self._writable)

    @property
    def is_open(self) -> bool:
        """False once closed, by whoever."""
        return self._open

    def send(self, body: bytes, descriptors: Sequence[int] = ()) -> None:
        """Queue a message; nothing happens on a closed channel. The descriptors are duplicated and stay the caller's;
        at most 200, ValueError otherwise."""
        if len(descriptors) > MOST_DESCRIPTORS:
            raise ValueError(f"{len(descriptors)} descriptors are too many for one message")
        if not self._open:
            return
        frame = _HEADER.pack(len(body), VERSION, len(descriptors)) + body
        copies: list[int] = []
        self._outgoing.append((memoryview(frame), copies))
        try:
            copies.extend(map(os.dup, descriptors))
        except OSError as error:
            self._fail(f"there are no descriptors left for a message: {error.strerror}")
            return
        self._queued += len(frame)
        if self._queued > MOST_QUEUED:
            self._fail("it does not read what it is sent")
        elif len(self._outgoing) == 1:
            self._writable()

    def close(self) -> None:
        """Close this end; `lost` is not called."""
        if not self._open:
            return
        self._open = False
        self._watch.close()
        if self._turn is not None:
            self._turn.cancel()
        for descriptor in (*self._descriptors, *(one for _, many in self._outgoing for one in many)):
            os.close(descriptor)
        self._descriptors.clear()
        self._outgoing.clear()
        self._end.close()

    def _fail(self, reason: str) -> None:
        if self._open:
            self.close()
            self._lost(reason)

    # Writing...

    def _writable(self) -> None:
        while self._outgoing:
            frame, descriptors = self._outgoing[0]
            try:
                sent = socket.send_fds(self._end, [frame], descriptors) if descriptors else self._end.send(frame)
            except BlockingIOError:
                self._watch.wait_to_write(True)
                return
            except OSError as error:
                # What it said before it went is still to be read: that ends with the same news.
                self._watch.wait_to_write(False)
                if not isinstance(error, BrokenPipeError | ConnectionResetError):
                    self._fail(error.strerror or str(error))
                return
            for one in descriptors:
                os.close(one)
            self._queued -= sent
            if sent == len(frame):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = (frame[sent:], ())
        self._watch.wait_to_write(False)

    # Reading...

    def _readable(self) -> None:
        try:
            data, descriptors = receive_descriptors(self._end, _READ, MOST_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            # As when it ends: what has been read before is still to be handed over.
            data, descriptors, self._ended = b"", [], error.strerror or str(error)
        self._descriptors.extend(descriptors)
        self._incoming += data
        if not data:
            self._ended = self._ended or "it has gone"
            self._watch.stop_reading()
        if self._turn is None:
            self._next()

    def _next(self) -> None:
        """Hand over one message; the next in the loop's next turn, so that many do not hold up the traffic."""
        self._turn = None
        if len(self._incoming) < _HEADER.size:
            self._wait()
            return
        length, version, count = _HEADER.unpack_from(self._incoming)
        if version != VERSION or length > LARGEST:
            self._fail(f"it speaks version {version}, not {VERSION}" if version != VERSION else "a message is too long")
            return
        end = _HEADER.size + length
        if len(self._incoming) < end:
            self._wait()
            return
        if count > len(self._descriptors):  # they come with the first byte, unless this process has too many open
            self._fail("descriptors of a message were lost")
            return
        body = bytes(memoryview(self._incoming)[_HEADER.size : end])
        del self._incoming[:end]
        descriptors = [self._descriptors.popleft() for _ in range(count)]
        self._turn = self._loop.call_soon(self._next)
        try:
            self._receive(body, descriptors)
        except BadMessage as error:
            self._fail(str(error))

    def _wait(self) -> None:
        """For more bytes, unless there will be none."""
        if self._ended:
            self._fail(self._ended)
