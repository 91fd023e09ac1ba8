"""What every product under test is told, and what it can do."""

from __future__ import annotations

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from benchmarks.process import Server
from benchmarks.udp import wait_until_it_echoes


@dataclass(frozen=True)
class Setup:
    """What to proxy: everything on `port` to `backend`, and with `routes`, only ``host-<i>.example`` + ``/v1``."""

    port: int
    backend: int
    routes: int = 0
    workers: int = 1
    protocol: Literal["http", "https", "tcp", "udp"] = "http"
    """What clients speak to the product; behind https the backend speaks http."""
    certificate: Path = Path()
    """For https: a PEM file with certificate and key."""


class Product(ABC):
    """A proxy between `start` and `stop`, with keep-alive on both sides and an access log to a file; with one worker
    unless the setup says otherwise."""

    name: ClassVar[str]
    program: ClassVar[str]
    can_route: ClassVar[bool] = False
    """Whether `Setup.routes` is understood."""
    can_spread: ClassVar[bool] = False
    """Whether `Setup.workers` is understood, and `spread` known."""
    speaks: ClassVar[tuple[str, ...]] = ("http",)
    """What `Setup.protocol` may be."""
    environment: ClassVar[dict[str, str]] = {}

    def __init__(self, directory: Path, setup: Setup) -> None:
        self.directory = directory
        self.setup = setup
        self._server: Server | None = None

    # What each product says about itself...

    @classmethod
    def installed(cls) -> bool:
        """Whether the program is on PATH."""
        return shutil.which(cls.program) is not None

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """The version, as the program prints it."""

    @abstractmethod
    def write(self) -> None:
        """Write the configuration into `directory`."""

    @abstractmethod
    def command(self) -> list[str]:
        """What to run."""

    # The same for all...

    def start(self, cpus: set[int]) -> float:
        """Start on `cpus`; returns the seconds until it accepts. Raises `StartError`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.write()
        self._server = Server(self.command(), self.directory, cpus, self.environment)
        if self.setup.protocol == "udp":
            return wait_until_it_echoes(self.setup.port)
        return self._server.wait_until_it_listens(self.setup.port)

    def reload(self) -> None:
        """Write the configuration anew, changed, and ask the program to take it."""
        self.write()
        assert self._server is not None
        self._server.signal(signal.SIGHUP)

    def reloads(self) -> int | None:
        """Reloads that took effect so far, None when the product cannot tell."""
        return None

    def spread(self) -> tuple[int, ...] | None:
        """Connections from clients that each worker has now, None when the product cannot tell."""
        return None

    @property
    def pid(self) -> int:
        """Process id of the program."""
        assert self._server is not None
        return self._server.pid

    def stop(self) -> None:
        """End the program."""
        if self._server is not None:
            self._server.stop()


def first_line(*command: str) -> str:
    """The first line a program prints, on either stream."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout + done.stderr).strip().split("\n")[0]
