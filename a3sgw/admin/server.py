"""The management server: endpoints behind the guard on one address."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from a3sgw.admin.endpoints import Endpoints, GatewayView
from a3sgw.admin.guard import guard
from a3sgw.web import WebServer

DEFAULT_ADDRESS = "127.0.0.1:9090"
"""Loopback: the configuration and the health of a gateway are nobody else's business."""


class AdminServer:
    """Shows `view` on `address` between `open` and `close`."""

    def __init__(self, view: GatewayView, address: str = DEFAULT_ADDRESS) -> None:
        self.address = address
        self._server = WebServer(Endpoints(view).routes(), guard(address))

    async def open(self, sockets: Sequence[socket.socket] = ()) -> str:
        """Listen, or accept from sockets that listen there; returns the address with the port in use. Raises
        `BindError`."""
        return await self._server.open(self.address, sockets)

    async def close(self) -> None:
        """Stop listening; running requests get a second to end."""
        await self._server.close()

    def __repr__(self) -> str:
        return f"<AdminServer [{self.address}]>"
