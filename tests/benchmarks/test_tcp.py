"""The echo and the load of TCP, without a product between them."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from benchmarks.load import LoadError
from benchmarks.process import free_port
from benchmarks.tcp import SIZE, load, run, start_echo


def test_echoes_are_counted(tmp_path: Path) -> None:
    """All connections hear what they have sent, again and again; the echo survives those that leave."""
    cpus = os.sched_getaffinity(0)
    echo, port = start_echo(tmp_path / "echo", cpus)
    try:
        for _ in range(2):
            count, seconds = run(port, 0.3, cpus)
            assert count > 64
            assert 0.3 <= seconds < 5
    finally:
        echo.stop()


def test_nobody_is_there() -> None:
    """Then there is nothing to count."""
    with pytest.raises(LoadError, match="no result in"):
        run(free_port(), 0.1, os.sched_getaffinity(0))


def test_something_else_comes_back() -> None:
    """What is not an echo is not counted as one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=_say_something_else, args=(listener,))
        speaker.start()
        with pytest.raises(LoadError, match="not what was sent"):
            load(listener.getsockname()[1], 5, connections=1)
        speaker.join()


def _say_something_else(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"?" * SIZE)
        connection.recv(SIZE)
