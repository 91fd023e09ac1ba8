"""Clients that hardly pause: a failure of any request is a failure of the test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a3sgw.tasks import spawn
from tests.support.live import GET, dial, until
from tests.support.wire import Message

_PAUSE = 0.002
"""Seconds between two requests of a client: enough for everybody else to get on."""


class Hammer:
    """What clients have seen so far, who keep connections until they are told to close, or use a new one each time."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = False
        self.answers: Counter[tuple[int, str]] = Counter()
        """How many, by status and version."""
        self.closed = 0
        """How often a kept connection was announced to be closed."""

    async def keeping(self) -> None:
        """One connection until the gateway says `Connection: close`; any other end is an error."""
        while not self._stop:
            wire = await dial(self._address)
            try:
                while not self._stop:
                    await wire.send(GET)
                    answer = await wire.message()
                    self._note(answer)
                    if answer.get(b"connection") == b"close":
                        self.closed += 1
                        break
                    await asyncio.sleep(_PAUSE)
            finally:
                wire.close()

    async def coming(self) -> None:
        """A new connection for every request."""
        while not self._stop:
            wire = await dial(self._address)
            try:
                await wire.send(GET)
                self._note(await wire.message())
            finally:
                wire.close()
            await asyncio.sleep(_PAUSE)

    def _note(self, answer: Message) -> None:
        self.answers[answer.status, (answer.get(b"x-version") or b"").decode()] += 1

    def stop(self) -> None:
        """Each client finishes the request it is at."""
        self._stop = True

    async def more(self, count: int = 50) -> None:
        """Wait until so many more requests are answered."""
        enough = self.answers.total() + count
        await until(lambda: self.answers.total() >= enough, "clients are answered")

    async def sees(self, version: str) -> None:
        """Wait until somebody is answered by this version."""
        await until(lambda: self.answers[200, version], f"version {version} is seen")


@asynccontextmanager
async def hammer(address: str, keeping: int = 3, coming: int = 2) -> AsyncIterator[Hammer]:
    """So many clients of each kind; at the end all of them have been answered with 200, always."""
    one = Hammer(address)
    clients = [spawn(one.keeping(), "client") for _ in range(keeping)]
    clients += [spawn(one.coming(), "client") for _ in range(coming)]
    try:
        yield one
    finally:
        one.stop()
        failures = [found for found in await asyncio.gather(*clients, return_exceptions=True) if found is not None]
    assert failures == []
    assert {status for status, _ in one.answers} == {200}
