"""What is left of the client's side of an exchange once its connection belongs to a tunnel."""

from __future__ import annotations

import asyncio

from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.tunnel import Make, Tunnel


class Upgraded:
    """Keeps the gate's books; everything else is between the two connections (see `Client`)."""

    __slots__ = ("_gate", "_tunnel")

    def __init__(self, gate: Gate, tunnel: Tunnel) -> None:
        self._gate = gate
        self._tunnel = tunnel
        gate.metrics.upgraded(tunnel.route.name)

    def finished(self) -> None:
        """The tunnel has ended."""
        tunnel = self._tunnel
        self._gate.leave(tunnel)
        self._gate.metrics.tunnel_ended(tunnel.route.name, tunnel.seconds, tunnel.received, tunnel.sent)

    def cut(self, data: bytes) -> bool:
        """Not here."""
        return False

    def abort(self) -> None:
        """Both connections at once."""
        self._tunnel.abort()

    def interim(self, status: int, headers: Headers) -> None:
        """The final head has gone."""

    def send(self, response: Response, length: int, more: bool) -> None:
        """The same."""

    def send_whole(self, response: Response, body: bytes) -> None:
        """The same."""

    def write(self, data: bytes) -> None:
        """The tunnel does that."""

    def write_last(self, data: bytes) -> None:
        """The same."""

    def end(self, trailers: bytes) -> None:
        """The same."""

    def switch(
        self, response: Response, protocol: bytes, make: Make, endpoint: asyncio.Transport, early: bytes
    ) -> Upgraded:
        """It has been done."""
        return self

    def hold(self, reason: int) -> None:
        """The tunnel knows who is slow."""

    def release(self, reason: int) -> None:
        """The same."""
