"""Counters of what is longer than a request: TCP connections, WebSockets, UDP sessions."""

from __future__ import annotations

from typing import TypedDict

StreamKey = tuple[str, str, str, str]
"""(kind, entrypoint, router, service); kind is ``tcp``, ``websocket`` or ``udp``."""


class StreamData(TypedDict):
    """One route's streams as plain data, to send between processes."""

    key: StreamKey
    open: int
    ended: dict[str, int]
    """How often, by why."""
    seconds: float
    received: int
    sent: int
    more: dict[str, int]
    """What is only counted for some kinds: datagrams, and those that were dropped."""


class StreamMetrics:
    """The streams of one kind on one route. Bytes and seconds count when a stream ends."""

    __slots__ = ("ended", "key", "more", "open", "received", "seconds", "sent")

    def __init__(self, key: StreamKey) -> None:
        self.key = key
        self.open = 0
        self.ended: dict[str, int] = {}
        self.seconds = 0.0
        self.received = 0
        self.sent = 0
        self.more: dict[str, int] = {}

    def opened(self) -> None:
        """One more."""
        self.open += 1

    def over(self, reason: str, seconds: float, received: int, sent: int) -> None:
        """One that was open has ended."""
        self.open -= 1
        self.refused(reason)
        self.seconds += seconds
        self.received += received
        self.sent += sent

    def refused(self, reason: str) -> None:
        """One has ended that was never open."""
        self.ended[reason] = self.ended.get(reason, 0) + 1

    def count(self, what: str, times: int = 1) -> None:
        """Something else has happened."""
        self.more[what] = self.more.get(what, 0) + times

    def data(self) -> StreamData:
        """A copy as plain data."""
        return {
            "key": self.key,
            "open": self.open,
            "ended": self.ended.copy(),
            "seconds": self.seconds,
            "received": self.received,
            "sent": self.sent,
            "more": self.more.copy(),
        }

    def add(self, data: StreamData) -> None:
        """Add another process's counters of the same route."""
        self.open += data["open"]
        for reason, count in data["ended"].items():
            self.ended[reason] = self.ended.get(reason, 0) + count
        self.seconds += data["seconds"]
        self.received += data["received"]
        self.sent += data["sent"]
        for what, count in data["more"].items():
            self.count(what, count)

    def __repr__(self) -> str:
        return f"<StreamMetrics [{'/'.join(self.key)}, {self.open} open]>"
