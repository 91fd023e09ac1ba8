"""A worker process at the end of a channel, told by the test what a supervisor tells."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from a3sgw.config.load import load_files
from a3sgw.config.model import Config
from a3sgw.control.channel import Channel
from a3sgw.control.edition import Edition
from a3sgw.control.messages import (
    Abandon,
    Abandoned,
    Commit,
    Committed,
    Hello,
    Message,
    Prepare,
    Prepared,
    Sockets,
    Welcome,
    decode,
    encode,
)
from a3sgw.listeners import key_of
from a3sgw.shared.table import SharedTable
from a3sgw.version import __version__
from tests.support.deadly import installed
from tests.support.live import hcl, until

_PROGRAM = (
    "import socket, sys; from a3sgw.worker.worker import main;"
    "sys.exit(main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])))"
)


class Told:
    """The process, and what it has said."""

    def __init__(self, table: SharedTable, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self.said: list[Message] = []
        self._news = asyncio.Event()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", _PROGRAM, str(theirs.fileno()), str(table.descriptor)],
                pass_fds=[theirs.fileno(), table.descriptor],
                env={**os.environ, **environment},
            )
        self._channel = Channel(ours, self._hear, lambda reason: None)
        self.tell(Welcome(0, table.next_owner(), b"", "", ""))

    def _hear(self, body: bytes, descriptors: list[int]) -> None:
        self.said.append(decode("up", body))
        self._news.set()

    def tell(self, message: Message, *descriptors: int) -> None:
        """Send it something."""
        self._channel.send(encode(message), descriptors)

    def prepare(self, edition: Edition, before: Config | None = None) -> None:
        """Tell it of a configuration, with a socket for its entrypoint when it is the first."""
        for message in edition.changes(before):
            self.tell(message)
        if before is None:
            with socket.create_server(("127.0.0.1", 0)) as server:
                key = key_of("web", edition.config.entrypoints["web"])
                self.tell(Sockets([(key, 1)]), server.fileno())
        self.tell(Prepare(edition.generation, edition.rest()))

    async def says(self, message: Message) -> None:
        """Wait until it has said this."""
        async with asyncio.timeout(20):
            while message not in self.said:
                self._news.clear()
                await self._news.wait()

    def end(self) -> None:
        """Kill it."""
        self._channel.close()
        self.process.kill()
        self.process.wait()


@pytest_asyncio.fixture
async def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Told]:
    """A worker that has been welcomed, and knows the kind `deadly`, as the test does."""
    environment = installed(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    table = SharedTable.create(256)
    told = Told(table, environment)
    yield told
    told.end()
    table.close()


def config(folder: Path, version: str, more: str = "", used: str = "") -> Config:
    """The usual one; it may have another middleware."""
    path = folder / "gateway.hcl"
    path.write_text(hcl("http://127.0.0.1:1", version, more).replace('["version"]', f'["version"{used}]'))
    loaded = load_files(path)
    assert loaded.config is not None, loaded.diagnostics
    return loaded.config


async def test_a_preparation_that_hangs_can_be_given_up(tmp_path: Path, worker: Told) -> None:
    """The worker says that it has, and goes on as before: with the configuration it had, and the next one."""
    one = config(tmp_path, "1")
    await worker.says(Hello(__version__, worker.process.pid))
    worker.prepare(Edition(1, one))
    await worker.says(Prepared(1))
    worker.tell(Commit(1))
    await worker.says(Committed(1))
    notes = tmp_path / "notes"
    hanging = f'middlewares "deadly" {{\n  type = "deadly"\n  when = "hang"\n  notes = "{notes}"\n}}\n'
    worker.prepare(Edition(2, config(tmp_path, "2", hanging, ', "deadly"')), one)
    await until(notes.exists, "it is being opened")
    worker.tell(Abandon(2))
    await worker.says(Abandoned(2))
    worker.tell(Commit(2))
    worker.prepare(Edition(3, config(tmp_path, "3")), one)
    await worker.says(Prepared(3))
    worker.tell(Commit(3))
    await worker.says(Committed(3))
    assert Committed(2) not in worker.said


async def test_what_is_prepared_can_be_given_up(tmp_path: Path, worker: Told) -> None:
    """Also before it was, or when it never came; and then it is not used."""
    edition = Edition(1, config(tmp_path, "1"))
    worker.prepare(edition)
    await worker.says(Prepared(1))
    for generation in (1, 1, 5):
        worker.tell(Abandon(generation))
    await worker.says(Abandoned(5))
    worker.tell(Commit(1))
    again = Edition(2, edition.config)
    worker.prepare(again)
    await worker.says(Prepared(2))
    assert Committed(1) not in worker.said
