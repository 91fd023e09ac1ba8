"""Counters of UDP: sessions, datagrams and bytes of one router on one entrypoint, as plain integers."""

from __future__ import annotations

from typing import TypedDict

from a3sgw.observe.counters import RouteKey


class DatagramData(TypedDict):
    """One router's counters as plain data, to send between processes."""

    key: RouteKey
    open: int
    opened: int
    ended: dict[str, int]
    """Sessions by why they ended."""
    received: int
    """Datagrams from clients that went on to an endpoint; `sent` the other way."""
    received_bytes: int
    sent: int
    sent_bytes: int
    dropped: dict[str, int]
    """Datagrams that went nowhere, by why."""


class DatagramMetrics:
    """What one router did with datagrams; empty names stand for an entrypoint without a router."""

    __slots__ = ("dropped", "ended", "key", "open", "opened", "received", "received_bytes", "sent", "sent_bytes")

    def __init__(self, entrypoint: str = "", router: str = "", service: str = "") -> None:
        self.key = (entrypoint, router, service)
        self.open = 0
        self.opened = 0
        self.received = 0
        self.received_bytes = 0
        self.sent = 0
        self.sent_bytes = 0
        self.ended: dict[str, int] = {}
        self.dropped: dict[str, int] = {}

    def begin(self) -> None:
        """One session more."""
        self.open += 1
        self.opened += 1

    def end(self, reason: str) -> None:
        """One less; `reason` is one of a few fixed words."""
        self.open -= 1
        self.ended[reason] = self.ended.get(reason, 0) + 1

    def drop(self, reason: str) -> None:
        """A datagram went nowhere; `reason` is one of a few fixed words."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    @property
    def is_used(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.opened or self.dropped)

    def data(self) -> DatagramData:
        """A copy as plain data; safe from another thread, because each copy is one step of the interpreter."""
        return {
            "key": self.key,
            "open": self.open,
            "opened": self.opened,
            "ended": self.ended.copy(),
            "received": self.received,
            "received_bytes": self.received_bytes,
            "sent": self.sent,
            "sent_bytes": self.sent_bytes,
            "dropped": self.dropped.copy(),
        }

    def add(self, data: DatagramData) -> None:
        """Add another process's counters of the same router."""
        self.open += data["open"]
        self.opened += data["opened"]
        self.received += data["received"]
        self.received_bytes += data["received_bytes"]
        self.sent += data["sent"]
        self.sent_bytes += data["sent_bytes"]
        for reason, count in data["ended"].items():
            self.ended[reason] = self.ended.get(reason, 0) + count
        for reason, count in data["dropped"].items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def __repr__(self) -> str:
        return f"<DatagramMetrics [{'/'.join(self.key)}, {self.open} sessions open]>"
