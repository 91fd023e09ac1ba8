"""Counters of TCP connections: those of one router on one entrypoint."""

from __future__ import annotations

from typing import TypedDict

from a3sgw.observe.counters import RouteKey


class TcpData(TypedDict):
    """One route's connections as plain data, to send between processes."""

    key: RouteKey
    open: int
    ended: dict[str, int]
    """How often, by why."""
    seconds: float
    received: int
    sent: int


class TcpMetrics:
    """Bytes and seconds count when a connection ends."""

    __slots__ = ("ended", "key", "open", "received", "seconds", "sent")

    def __init__(self, key: RouteKey) -> None:
        self.key = key
        self.open = 0
        self.ended: dict[str, int] = {}
        self.seconds = 0.0
        self.received = 0
        self.sent = 0

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

    def data(self) -> TcpData:
        """A copy as plain data."""
        return {
            "key": self.key,
            "open": self.open,
            "ended": self.ended.copy(),
            "seconds": self.seconds,
            "received": self.received,
            "sent": self.sent,
        }

    def add(self, data: TcpData) -> None:
        """Add another process's counters of the same route."""
        self.open += data["open"]
        for reason, count in data["ended"].items():
            self.ended[reason] = self.ended.get(reason, 0) + count
        self.seconds += data["seconds"]
        self.received += data["received"]
        self.sent += data["sent"]

    def __repr__(self) -> str:
        return f"<TcpMetrics [{'/'.join(self.key)}, {self.open} open]>"
