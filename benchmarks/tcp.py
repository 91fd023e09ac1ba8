"""TCP: an echo as backend, and a load of 64 connections that each send again as soon as they have everything back.

Only the product's CPU counts, so both may be in Python; each is a program of its own:
``python -m benchmarks.tcp echo PORT``.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import CONNECTIONS, LoadError
from benchmarks.process import Server, free_port

SIZE = 64
_LONGEST = 65536
_PATIENCE = 5.0
"""Seconds without any answer after which nothing more is expected."""
_ROOT = Path(__file__).parents[1]


def start_echo(directory: Path, cpus: set[int]) -> tuple[Server, int]:
    """The running backend and its port."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = Server(_command("echo", port), directory, cpus, {"PYTHONPATH": str(_ROOT)})
    server.wait_until_it_listens(port)
    return server, port


def run(port: int, seconds: float, cpus: set[int]) -> tuple[int, float]:
    """(echoes, seconds that they took), as the load generator counted them on `cpus`. Raises `LoadError`."""
    pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(cpus)))]
    command = [*pinned, *_command("load", port, seconds)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    try:
        count, took = json.loads(done.stdout)
    except ValueError:
        raise LoadError(f"no result in: {(done.stdout + done.stderr)[-500:]}") from None
    return count, took


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.tcp", *map(str, arguments)]


def echo(port: int) -> None:
    """Send back whatever comes, for ever; messages are short, so there is always room for them."""
    open_sockets: dict[int, socket.socket] = {}
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listener, select.epoll() as ready:
        ready.register(listener, select.EPOLLIN)
        while True:
            for number, _ in ready.poll():
                if number == listener.fileno():
                    one, _ = listener.accept()
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    open_sockets[one.fileno()] = one
                    ready.register(one, select.EPOLLIN)
                elif not _again(open_sockets[number]):
                    ready.unregister(number)
                    open_sockets.pop(number).close()


def _again(one: socket.socket) -> bool:
    try:
        data = one.recv(_LONGEST)
        one.sendall(data)
    except OSError:
        return False
    return bool(data)


def load(port: int, seconds: float, connections: int = CONNECTIONS) -> tuple[int, float]:
    """(echoes, seconds) of so many connections. Raises `LoadError` when one ends or says something else."""
    data = bytes(range(SIZE))
    count = 0
    with ExitStack() as open_sockets, select.epoll() as ready:
        sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            one = open_sockets.enter_context(socket.create_connection(("127.0.0.1", port), _PATIENCE))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets[one.fileno()] = one
            ready.register(one, select.EPOLLIN)
            one.sendall(data)
        begin = now = time.monotonic()
        while now - begin < seconds:
            for number, _ in ready.poll(_PATIENCE):
                one = sockets[number]
                if one.recv(SIZE, socket.MSG_WAITALL) != data:
                    raise LoadError("what came back is not what was sent")
                one.send(data)
                count += 1
            now = time.monotonic()
        return count, now - begin


def main(kind: str, port: str, seconds: str = "0") -> None:
    """One of the two programs."""
    if kind == "echo":
        echo(int(port))
    else:
        print(json.dumps(load(int(port), float(seconds))))


if __name__ == "__main__":
    main(*sys.argv[1:])
