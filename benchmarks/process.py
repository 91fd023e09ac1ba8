"""Starting a server, waiting until it answers, and stopping it with everything it started."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

START_TIMEOUT = 120.0
"""Seconds a product may take to start; large configurations take a while."""


class StartError(Exception):
    """A program ended or stayed silent instead of serving."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cores() -> tuple[set[int], set[int]]:
    """CPUs for the product under test, and for load and backend; the same when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[-1]}, set(usable[:-1])) if len(usable) > 1 else (set(usable), set(usable))


def allow_many_files() -> None:
    """Raise the limit of open files to what the system allows, for this process and everything it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """A running program in a process group of its own, pinned to `cpus`, its output in `directory`/output."""

    def __init__(
        self, command: Sequence[str], directory: Path, cpus: set[int], environment: Mapping[str, str] | None = None
    ) -> None:
        self.output = directory / "output"
        pinned = command
        if taskset := shutil.which("taskset"):
            pinned = [taskset, "--cpu-list", ",".join(map(str, sorted(cpus))), *command]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                pinned,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def wait_until_it_listens(self, port: int) -> float:
        """Seconds until `port` accepts connections. Raises `StartError`."""
        begin = time.monotonic()
        while time.monotonic() - begin < START_TIMEOUT:
            if self._process.poll() is not None:
                raise StartError(f"ended with status {self._process.returncode}: {self._tail()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return time.monotonic() - begin
            time.sleep(0.02)
        raise StartError(f"does not listen after {START_TIMEOUT:g} s: {self._tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End the program and everything in its group."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(5)

    def _tail(self) -> str:
        return self.output.read_text(errors="replace")[-1500:].strip()
