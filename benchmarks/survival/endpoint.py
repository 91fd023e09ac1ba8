"""``python -m benchmarks.survival.endpoint PORT``: an endpoint that is well until it is told otherwise.

``GET /become/<mood>`` changes what it does to every request from then on.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SLOWLY = 0.15


class Endpoint(asyncio.Protocol):
    """One connection; `mood` is that of all."""

    mood = "well"

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n") + 4) > 3:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            whole = end + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            target = head.split(b" ")[1].decode()
            if target.startswith("/become/"):
                Endpoint.mood = target.removeprefix("/become/").replace("%20", " ")
                self._transport.write(_OK)
            else:
                self._answer()

    def _answer(self) -> None:
        match Endpoint.mood:
            case "well":
                self._transport.write(_OK)
            case "failing":
                self._transport.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
            case "slow":
                asyncio.get_running_loop().call_later(_SLOWLY, self._transport.write, _OK)
            case "resetting":
                raw = self._transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.abort()
            case "breaking the head":
                self._transport.write(_OK[:25])
                self._transport.close()
            case "breaking the body":
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                self._transport.close()
            case _:  # hanging
                pass


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
