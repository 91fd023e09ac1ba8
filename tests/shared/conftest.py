"""Tables, and other processes that use them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from a3sgw.shared.table import SharedTable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table() -> Iterator[SharedTable]:
    """A small table of this process."""
    one = SharedTable.create(1024)
    yield one
    one.close()


@pytest.fixture
def attach(table: SharedTable) -> Iterator[Callable[[], SharedTable]]:
    """Makes further attachments to it, each an owner of its own, as other processes have."""
    made: list[SharedTable] = []

    def another() -> SharedTable:
        made.append(SharedTable.attach(os.dup(table.descriptor), table.next_owner()))
        return made[-1]

    yield another
    for one in made:
        one.close()


class Child:
    """A process running `tests.shared.child`."""

    def __init__(self, table: SharedTable, action: str, *more: str) -> None:
        self.owner = table.next_owner()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.shared.child", action, str(table.descriptor), str(self.owner), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[table.descriptor],
            text=True,
            cwd=ROOT,
        )

    def hear(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Kill it, if it lives, and forget it."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def child(table: SharedTable) -> Iterator[Callable[..., Child]]:
    """Starts processes that share the table; they do not outlive the test."""
    made: list[Child] = []

    def start(action: str, *more: str) -> Child:
        made.append(Child(table, action, *more))
        return made[-1]

    yield start
    for one in made:
        one.end()
