"""``python -m benchmarks.streams``: what an echo over a WebSocket, and an answer of three events, cost beside nginx.

As in the other comparisons CPU time counts, of the product alone; load and endpoint are Python on the other cores. 64
connections are open; each sends again when it has its answer. Rounds alternate, the table shows medians.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import cast

import uvloop

from benchmarks.cpu import cpu_nanoseconds
from benchmarks.load import CONNECTIONS
from benchmarks.process import Server, allow_many_files, cores, free_port
from benchmarks.products.a3sgw import A3sgw
from benchmarks.products.base import Product, Setup
from benchmarks.products.nginx import Nginx

_ROUNDS = 5
_SECONDS = 3.0
_UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
_MESSAGE = b"\x82\xc0\0\0\0\0" + b"m" * 64
_EVENTS = b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENT = b"1a\r\nevent: price\ndata: 12.50\n\n\r\n"
_LAST = b"0\r\n\r\n"
_PAUSE = 0.002
"""Seconds between two events, so that none of them can be read together."""


class StreamingNginx(Nginx):
    """nginx with what it needs for these two: Upgrade passed on, nothing buffered."""

    def write(self) -> None:
        super().write()
        file = self.directory / "nginx.conf"
        text = file.read_text().replace(
            'proxy_set_header Connection "";',
            "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $kept; proxy_buffering off;\n"
            '  map $http_upgrade $kept { default upgrade; "" ""; }',
        )
        file.write_text(text)


class Endpoint(asyncio.Protocol):
    """Agrees to an upgrade and says everything again; to anything else answers with three events."""

    def __init__(self) -> None:
        self._switched = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol; heads come in one piece here."""
        if self._switched:
            self._transport.write(data)
        elif b"/chat" in data[:20]:
            self._switched = True
            self._transport.write(_SWITCH)
        else:
            self._transport.write(_HEAD + _EVENT)
            later = asyncio.get_running_loop().call_later
            later(_PAUSE, self._transport.write, _EVENT)
            later(2 * _PAUSE, self._transport.write, _EVENT + _LAST)


class Client(asyncio.Protocol):
    """Counts what it has back; `chat` is a WebSocket, the other one asks for events."""

    done = 0

    def __init__(self, chat: bool) -> None:
        self._chat = chat
        self._got = 0
        self._open = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_UPGRADE if self._chat else _EVENTS)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        if not self._chat:
            if data.endswith(_LAST):
                Client.done += 1
                self._transport.write(_EVENTS)
        elif not self._open:
            self._open = True
            self._transport.write(_MESSAGE)
        else:
            self._got += len(data)
            if self._got == len(_MESSAGE):
                self._got = 0
                Client.done += 1
                self._transport.write(_MESSAGE)


async def load(port: int, chat: bool, seconds: float, spent: Callable[[], int]) -> float:
    """Nanoseconds of CPU that each exchange has cost, after half a second of warm-up."""
    loop = asyncio.get_running_loop()
    clients = [await loop.create_connection(lambda: Client(chat), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.5)
    before, count = spent(), Client.done
    await asyncio.sleep(seconds)
    cost = (spent() - before) / max(1, Client.done - count)
    for transport, _ in clients:
        transport.close()
    await asyncio.sleep(0.2)
    return cost


async def endpoint(port: int) -> None:
    """Serve until it is killed."""
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    """Print what was measured."""
    allow_many_files()
    mine, others = cores()
    os.sched_setaffinity(0, others)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        there = free_port()
        directory = Path(name) / "endpoint"
        directory.mkdir()
        command = [sys.executable, "-m", "benchmarks.streams", "endpoint", str(there)]
        server = Server(command, directory, others, {"PYTHONPATH": str(Path(__file__).parents[1])})
        products: list[Product] = [
            kind(Path(name) / kind.name, Setup(free_port(), there)) for kind in (StreamingNginx, A3sgw)
        ]
        try:
            server.wait_until_it_listens(there)
            for product in products:
                product.start(mine)
            for chat, about in ((True, "echo of 64 bytes over a WebSocket"), (False, "answer of three events")):
                _compare(products, chat, about)
        finally:
            for product in products:
                product.stop()
            server.stop()


def _compare(products: list[Product], chat: bool, about: str) -> None:
    costs: dict[str, list[float]] = {product.name: [] for product in products}
    for number in range(_ROUNDS):
        for product in products if number % 2 else reversed(products):
            pid = product.pid
            cost = uvloop.run(load(product.setup.port, chat, _SECONDS, lambda pid=pid: cpu_nanoseconds(pid)))  # type: ignore[misc]  # a lambda with a default
            costs[product.name].append(cost / 1000)
            time.sleep(0.2)
    figures = {name: median(each) for name, each in costs.items()}
    ratio = figures["nginx"] / figures["a3sgw"]
    print(f"{about}: nginx {figures['nginx']:.1f} µs, a3sgw {figures['a3sgw']:.1f} µs, nginx ÷ a3sgw {ratio:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["endpoint"]:
        uvloop.run(endpoint(int(sys.argv[2])))
    else:
        main()
