"""The management server as a whole."""

from __future__ import annotations

from a3sgw.admin.server import AdminServer
from tests.admin.test_endpoints import Client, View, client, view

__all__ = ["client", "view"]


async def test_rebinding_is_refused(client: Client) -> None:
    """A foreign Host name gets nothing from a loopback address."""
    assert (await client.ask("/api/gateway/config", host="evil.example")).status == 403
    assert (await client.ask("/api/gateway/config", host="localhost")).status == 200


async def test_the_default_is_loopback() -> None:
    """Nobody else on the network sees the configuration unless the operator says so."""
    assert AdminServer(View()).address == "127.0.0.1:9090"
    assert repr(AdminServer(View(), "unix:/run/admin.sock")) == "<AdminServer [unix:/run/admin.sock]>"
