"""UDP: an echo as backend, and a load of 64 clients that each send again as soon as they hear. Only the product's CPU
counts, so both may be in Python; each is a program of its own: ``python -m benchmarks.udp echo PORT``."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import LoadError
from benchmarks.process import Server, StartError

CLIENTS = 64
SIZE = 64
_LONGEST = 65536
_PATIENCE = 0.2
"""Seconds without any answer after which everybody sends again."""
_ROOT = Path(__file__).parents[1]


def free_udp_port() -> int:
    """A UDP port on 127.0.0.1 that nobody uses now."""
    with _socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_echo(directory: Path, cpus: set[int]) -> tuple[Server, int]:
    """The running backend and its port."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_udp_port()
    server = Server(_command("echo", port), directory, cpus, {"PYTHONPATH": str(_ROOT)})
    wait_until_it_echoes(port)
    return server, port


def wait_until_it_echoes(port: int, limit: float = 30.0) -> float:
    """Seconds until a datagram sent to `port` comes back. Raises `StartError`."""
    begin = time.monotonic()
    while time.monotonic() - begin < limit:
        with _socket() as one:
            one.settimeout(_PATIENCE)
            one.connect(("127.0.0.1", port))
            try:
                one.send(b"?")
                one.recv(SIZE)
            except OSError:
                time.sleep(0.02)
            else:
                return time.monotonic() - begin
    raise StartError(f"no echo after {limit:g} s")


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
    return [sys.executable, "-m", "benchmarks.udp", *map(str, arguments)]


def _socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def echo(port: int) -> None:
    """Send back whatever comes, for ever."""
    with _socket() as one:
        one.bind(("127.0.0.1", port))
        buffer = bytearray(_LONGEST)
        view = memoryview(buffer)
        while True:
            size, address = one.recvfrom_into(buffer)
            one.sendto(view[:size], address)


def load(port: int, seconds: float, clients: int = CLIENTS) -> tuple[int, float]:
    """(echoes, seconds) of so many clients."""
    data = bytes(SIZE)
    count = 0
    with ExitStack() as open_sockets, select.epoll() as ready:
        sockets = {one.fileno(): one for one in (open_sockets.enter_context(_socket()) for _ in range(clients))}
        for one in sockets.values():
            one.setblocking(False)
            one.connect(("127.0.0.1", port))
            ready.register(one, select.EPOLLIN)
        begin = now = time.monotonic()
        while now - begin < seconds:
            numbers = [number for number, _ in ready.poll(_PATIENCE if count else 0)]
            for number in numbers or sockets:  # when nobody hears anything, all have to begin, or begin again
                with contextlib.suppress(OSError):
                    count += bool(numbers) and sockets[number].recv(_LONGEST) == data
                    sockets[number].send(data)
            if not count:
                time.sleep(0.01)
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
