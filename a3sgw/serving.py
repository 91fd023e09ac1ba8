"""From the protocol of an entrypoint to the class that serves it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any, Protocol

from a3sgw.entrypoints.stream import StreamEntrypoint
from a3sgw.entrypoints.udp import UdpEntrypoint
from a3sgw.observe.metrics import EntrypointMetrics
from a3sgw.proxy.gate import Gate
from a3sgw.shared.table import SharedTable
from a3sgw.sweeper import Sweeper


class Serving(Protocol):
    """An entrypoint of any protocol."""

    @property
    def gate(self) -> Gate:
        """What its connections share, and what a reload changes."""

    @property
    def addresses(self) -> list[str]:
        """What it really listens on."""

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Serve these sockets, and close them when it stops."""

    async def listen_only(self, sockets: Iterable[socket.socket]) -> None:
        """Serve these sockets and no others; of one that it has already, what is given is closed."""

    async def take_over(self, other: Any) -> None:
        """Serve the sockets of another of the same class too."""

    def stop(self, patience: float = 0.0, seconds: float = 0.0) -> None:
        """Take on nothing new."""


def made(
    protocol: str, name: str, sweeper: Sweeper, metrics: EntrypointMetrics, table: SharedTable | None = None
) -> Serving:
    """An entrypoint for this protocol. HTTP and TCP have the same, so that a reload may change one into the other."""
    kind = UdpEntrypoint if protocol == "udp" else StreamEntrypoint
    return kind(name, sweeper, metrics, table)
