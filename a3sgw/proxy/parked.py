"""A connection that nobody reads for the moment, because what it is for is being decided."""

from __future__ import annotations

import asyncio


class Parked(asyncio.Protocol):
    """Keeps what comes before reading stops, and whether it is still there."""

    def __init__(self, transport: asyncio.Transport, data: bytes) -> None:
        self.transport = transport
        self.data = data
        """What has come from it."""
        self.lost = False
        transport.set_protocol(self)
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self.lost = True
