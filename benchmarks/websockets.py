"""``python -m benchmarks.websockets``: 10,000 idle WebSockets through one worker: what they cost, who survives reloads.

Each has a connection from a client and one to the endpoint, so the worker needs twice as many file descriptors; where
the system allows fewer, there are as many WebSockets as possible, and the figures are scaled.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cpu import cpu_nanoseconds, resident_bytes
from benchmarks.process import Server, allow_many_files, cores, free_port
from benchmarks.products.a3sgw import A3sgw
from benchmarks.products.base import Setup

WANTED = 10_000
_SPARE = 150
_RELOADS = 3
_ASK = (
    b"GET /chat HTTP/1.1\r\nHost: idle.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\r\n"
    b"Origin: https://idle.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
)
_SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_PING = b"\x89\x84\0\0\0\0ping"


class Endpoint(asyncio.Protocol):
    """Agrees to everything, then says everything again."""

    def __init__(self) -> None:
        self._switched = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol; heads come in one piece here."""
        if self._switched:
            self._transport.write(data)
        else:
            self._switched = True
            self._transport.write(_SWITCH)


async def endpoint(port: int) -> None:
    """Serve until it is killed."""
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def dial(port: int, number: int) -> socket.socket:
    """A WebSocket through the gateway; from one of ten addresses, for one has too few ports."""
    connection = socket.create_connection(("127.0.0.1", port), 10, source_address=(f"127.0.0.{2 + number % 10}", 0))
    connection.sendall(_ASK)
    if b" 101 " not in connection.recv(65536):
        raise ConnectionError("no 101")
    return connection


def answered(connections: list[socket.socket]) -> int:
    """How many are still there: each says something and has to hear it again."""
    count = 0
    for connection in connections:
        try:
            connection.sendall(_PING)
            count += connection.recv(65536) == _PING
        except OSError:
            continue
    return count


def main() -> None:
    """Print what was measured."""
    allow_many_files()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(WANTED, (most - _SPARE) // 2)
    mine, others = cores()
    with tempfile.TemporaryDirectory() as name:
        there = free_port()
        directory = Path(name) / "endpoint"
        directory.mkdir()
        command = [sys.executable, "-m", "benchmarks.websockets", "endpoint", str(there)]
        server = Server(command, directory, others, {"PYTHONPATH": str(Path(__file__).parents[1])})
        gateway = A3sgw(Path(name) / "gateway", Setup(free_port(), there))
        try:
            server.wait_until_it_listens(there)
            gateway.start(mine)
            _measure(gateway, count)
        finally:
            gateway.stop()
            server.stop()


def _measure(gateway: A3sgw, count: int) -> None:
    port = gateway.setup.port
    connections = [dial(port, 0)]
    time.sleep(1)
    before = resident_bytes(gateway.pid)
    spent = cpu_nanoseconds(gateway.pid)
    connections += [dial(port, number) for number in range(1, count)]
    spent = cpu_nanoseconds(gateway.pid) - spent
    time.sleep(2)
    grown = resident_bytes(gateway.pid) - before
    print(f"{count} WebSockets: {grown / 1e6:.1f} MB, {grown / count / 1e3:.2f} kB each; ", end="")
    print(f"{WANTED} cost {grown / count * WANTED / 1e6:.0f} MB")
    print(f"opening one: {spent / count / 1e3:.0f} µs of CPU")
    spent = cpu_nanoseconds(gateway.pid)
    time.sleep(5)
    print(f"idle: {(cpu_nanoseconds(gateway.pid) - spent) / 5e9:.2%} of a core")
    for number in range(_RELOADS):
        wanted = (gateway.reloads() or 0) + 1
        gateway.reload()
        while (gateway.reloads() or 0) < wanted:
            time.sleep(0.1)
        print(f"after reload {number + 1}: {answered(connections)} of {count} answer")
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["endpoint"]:
        asyncio.run(endpoint(int(sys.argv[2])))
    else:
        main()
