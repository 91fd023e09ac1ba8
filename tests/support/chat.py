"""A WebSocket server of a library that is not ours, and clients that go through a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve

from tests.support.gateway import Running

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    """Say everything again."""
    async for message in connection:
        await connection.send(message)


class Chat:
    """The server; `seen` are the connections it has had."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[ServerConnection] = []
        self.server: Server


@asynccontextmanager
async def chat(handler: Handler = echo, path: str = "", **options: Any) -> AsyncIterator[Chat]:
    """Listen on a port of 127.0.0.1, or on the unix socket `path`; options are those of `serve`."""
    made = Chat()

    async def handle(connection: ServerConnection) -> None:
        made.seen.append(connection)
        await handler(connection)

    options = {"ping_interval": None, "close_timeout": 2, **options}
    if path:
        made.server = await unix_serve(handle, path, **options)
        made.url = f"unix:{path}"
    else:
        made.server = await serve(handle, "127.0.0.1", 0, **options)
        made.url = f"http://127.0.0.1:{next(iter(made.server.sockets)).getsockname()[1]}"
    try:
        yield made
    finally:
        made.server.close()
        await made.server.wait_closed()


def dial(running: Running, path: str = "/", entrypoint: str = "web", **options: Any) -> connect:
    """A client connection through the gateway, to be awaited or entered; options are those of `connect`."""
    address = running.gateway.addresses[entrypoint][0]
    options = {"ping_interval": None, "close_timeout": 2, "open_timeout": 5, "proxy": None, **options}
    return connect(f"ws://{address}{path}", **options)


async def closed(connection: ClientConnection | ServerConnection) -> tuple[int | None, str | None]:
    """Code and reason with which it has been closed, once it is."""
    async with asyncio.timeout(10):
        await connection.wait_closed()
    return connection.close_code, connection.close_reason
