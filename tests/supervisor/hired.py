"""A member over a process that does nothing, whose end of the channel the test has."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from a3sgw.control.channel import Channel
from a3sgw.control.messages import Message, decode, encode
from a3sgw.supervisor.births import Born
from a3sgw.supervisor.member import Member


class Hired:
    """`member`, and what it was told; `says` answers for it."""

    def __init__(self, place: int) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(["sleep", "60"])
        self.told: list[Message] = []
        self._news = asyncio.Event()
        self._end = theirs
        self._channel = Channel(theirs, self._hear, lambda reason: None)
        self.member = Member(place, place + 1, Born(self.process.pid, os.pidfd_open(self.process.pid)), ours, self)

    def _hear(self, body: bytes, descriptors: list[int]) -> None:
        self.told.append(decode("down", body))
        self._news.set()

    def reported(self, member: Member, message: Message) -> None:
        """Nobody is interested."""

    async def hears(self, kind: type[Message]) -> None:
        """Wait until it has been told something of this kind."""
        async with asyncio.timeout(10):
            while not any(isinstance(one, kind) for one in self.told):
                self._news.clear()
                await self._news.wait()

    def says(self, message: Message) -> None:
        """Send something to the supervisor."""
        self._channel.send(encode(message))

    def end(self) -> int:
        """Close everything; the exit code of the process."""
        self.member.close()
        self._channel.close()
        return self.process.wait()


@contextmanager
def hired(count: int = 1) -> Iterator[list[Hired]]:
    """So many of them, which end with the test."""
    all_of_them = [Hired(place) for place in range(count)]
    try:
        yield all_of_them
    finally:
        for one in all_of_them:
            one.end()
