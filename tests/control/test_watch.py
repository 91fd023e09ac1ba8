"""Waiting for a descriptor, errors included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest_asyncio

from a3sgw.control.watch import Watch
from tests.support.descriptors import held
from tests.support.live import until


class Watched:
    """One end of a pair, and how often it was called about."""

    def __init__(self) -> None:
        self.one, self.other = socket.socketpair()
        self.one.setblocking(False)
        self.readable = 0
        self.writable = 0
        self.turn = 0
        self.watch = Watch(self.one.fileno(), self._readable, self._writable)
        self._ticker = asyncio.get_running_loop().call_soon(self._tick)

    def _tick(self) -> None:
        self.turn += 1
        self._ticker = asyncio.get_running_loop().call_soon(self._tick)

    def _readable(self) -> None:
        self.readable += 1

    def _writable(self) -> None:
        self.writable += 1
        self.watch.wait_to_write(False)

    async def turned(self) -> None:
        """Wait until the loop has looked at its descriptors a few times."""
        late = self.turn + 5
        await until(lambda: self.turn > late, "the loop has turned")

    def close(self) -> None:
        self._ticker.cancel()
        self.watch.close()
        self.one.close()
        self.other.close()


@pytest_asyncio.fixture
async def watched() -> AsyncIterator[Watched]:
    """Nothing stays open after a test."""
    before = held()
    made = Watched()
    yield made
    made.close()
    assert held() == before


async def test_reading(watched: Watched) -> None:
    """Nothing, something, nothing."""
    await watched.turned()
    assert watched.readable == 0
    watched.other.send(b"x")
    await until(lambda: watched.readable, "there is something to read")
    watched.one.recv(1)
    await watched.turned()
    before = watched.readable
    await watched.turned()
    assert watched.readable == before
    assert watched.writable == 0


async def test_writing(watched: Watched) -> None:
    """Only while it is wanted."""
    watched.watch.wait_to_write(True)
    await until(lambda: watched.writable, "it can be written")
    await watched.turned()
    assert watched.writable == 1
    assert watched.readable == 0


async def test_an_error(watched: Watched) -> None:
    """The reset by an end that goes without having read everything wakes both."""
    watched.one.send(b"never read")
    watched.watch.wait_to_write(True)
    watched.other.close()
    await until(lambda: watched.readable, "the error is reported")
    assert watched.writable == 1


async def test_nobody_is_called_who_wants_nothing(watched: Watched) -> None:
    """Though the end of the other side stays to be seen."""
    watched.watch.stop_reading()
    watched.other.close()
    await watched.turned()
    assert (watched.readable, watched.writable) == (0, 0)


async def test_closing(watched: Watched) -> None:
    """Twice is fine; what happens after it is nobody's business."""
    watched.watch.close()
    watched.watch.close()
    watched.other.send(b"x")
    await watched.turned()
    assert watched.readable == 0
