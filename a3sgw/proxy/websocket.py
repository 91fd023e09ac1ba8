"""A tunnel that says goodbye as WebSocket does (RFC 6455): a close frame to either side, at a frame's boundary.

To know where frames end, their headers have to be read as they pass; so only routes that ask for it pay for it. What
frames contain is never looked at.
"""

from __future__ import annotations

import asyncio
import os
from typing import cast

from a3sgw.proxy.tunnel import Side, Tunnel

_GOING_AWAY = (1001).to_bytes(2, "big")
_PARTING = 1.0
"""Seconds to wait for the end of a frame, and for the answer to a close frame."""
_CLOSE = 8
_PLANNED = ("reload", "shutdown")


class Frames:
    """Follows one direction: where its frames end, and whether it has said that it closes."""

    __slots__ = ("closed", "head", "left")

    def __init__(self) -> None:
        self.left = 0
        """Bytes of a frame that are still to come."""
        self.head = b""
        """What has come of a frame's header that is not whole."""
        self.closed = False

    @property
    def at_boundary(self) -> bool:
        """Whether a frame of ours may stand here."""
        return not self.left and not self.head

    def feed(self, data: bytes) -> None:
        """The next bytes of the direction."""
        at = self.left
        if self.head:
            data = self.head + data
            self.head = b""
        size = len(data)
        while at < size:
            if size - at < 2:
                break
            length = data[at + 1] & 0x7F
            header = 6 if data[at + 1] & 0x80 else 2
            if length > 125:
                more = 2 if length == 126 else 8
                if size - at < 2 + more:
                    break
                length = int.from_bytes(data[at + 2 : at + 2 + more], "big")
                header += more
            if data[at] & 0x0F == _CLOSE:
                self.closed = True
            at += header + length
        else:
            self.left = at - size
            return
        self.left = 0
        self.head = data[at:]


class FrameSide(Side):
    """A side whose frames are followed; once it is to part, nothing of it goes on."""

    __slots__ = ("frames", "parting", "said")

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport, other: asyncio.Transport) -> None:
        super().__init__(tunnel, transport, other)
        self.frames = Frames()
        self.parting = False
        self.said = False
        """Whether the other side has been told that this is all."""

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        if self.parting:
            self._part(data)
        else:
            self.frames.feed(data)
            super().data_received(data)

    def _part(self, data: bytes) -> None:
        """Let the frame that has begun end, then say goodbye in this side's place."""
        if not self.said:
            end = self.frames.left
            rest, data = (data, b"") if self.frames.head else (data[:end], data[end:])
            self.frames.feed(rest)
            super().data_received(rest)
            self.part()
        self.frames.feed(data)
        if self.frames.closed:
            cast(WebSocketTunnel, self.tunnel).parted()

    def part(self) -> None:
        """Tell the other side now, or as soon as a frame of this one has ended."""
        self.parting = True
        if not self.said and self.frames.at_boundary and not self.lost:
            self.said = True
            if not (self.frames.closed or self.other.is_closing()):
                self.write(_close_frame(masked=self is self.tunnel.client))


def _close_frame(masked: bool) -> bytes:
    """Code 1001, as a client (masked) or a server sends it."""
    if not masked:
        return b"\x88\x02" + _GOING_AWAY
    mask = os.urandom(4)
    return b"\x88\x82" + mask + bytes(one ^ other for one, other in zip(_GOING_AWAY, mask, strict=False))


class WebSocketTunnel(Tunnel):
    """Ends with close frames where it ends because of a reload or a shutdown; otherwise as any tunnel."""

    __slots__ = ("_parting",)
    side = FrameSide

    def _end(self, reason: str) -> None:
        if reason not in _PLANNED:
            super()._end(reason)
            return
        self._because(reason)
        self._parting = True
        self.deadline = self.sweeper.now + _PARTING
        for side in self._sides():
            side.part()
        self.parted()

    @property
    def is_parting(self) -> bool:
        """Whether both sides have been told, or are about to be."""
        return getattr(self, "_parting", False)

    def _sides(self) -> tuple[FrameSide, FrameSide]:
        return cast(FrameSide, self.client), cast(FrameSide, self.endpoint)

    def parted(self) -> None:
        """Close once both have said that they close, in whatever way."""
        if all(side.said and (side.frames.closed or side.ended) for side in self._sides()):
            self._close()

    def half_ended(self, side: Side) -> None:
        """A FIN is an answer to a close frame, too."""
        if self.is_parting:
            cast(FrameSide, side).said = True
            self.parted()
        else:
            super().half_ended(side)

    def overdue(self) -> None:
        """The sweeper's call: who has not answered by now is not waited for."""
        if self.is_parting and not self._closing:
            self._close()
        else:
            super().overdue()
