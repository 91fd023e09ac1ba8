"""Keys that somebody else publishes and changes: fetched again and again, and at once when a token names a new one."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future, Task
from collections.abc import Awaitable, Callable
from math import ceil, inf

from a3sgw.errors import ClientError, GatewayError
from a3sgw.tasks import spawn
from a3sgw.tokens.keys import KeySet
from a3sgw.tokens.parse import Token

_log = logging.getLogger("a3sgw.tokens")
MOST_WAITING = 1000
"""Requests that wait for a fetch; more are told to come back."""
MOST_ABSENT = 1000
"""Names that are remembered as not published."""


def _nothing(*_: object) -> None:
    """For those who do not want to know."""


class RemoteKeys:
    """Keeps what `fetch` brings; when it fails, the last keys stay in force, however old they are.

    There is never more than one fetch at a time, one `every` so many seconds, and for names that are not known one per
    `interval`: one task does them all. Whoever brings an unknown name waits for a fetch that began after the question,
    so a key that has just been published is found; a name that is not published is not asked for again in that
    interval.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        *,
        every: float,
        interval: float,
        timeout: float,
        changed: Callable[[], None] = _nothing,
        count: Callable[[str], None] = _nothing,
    ) -> None:
        self.keys = KeySet()
        """The newest; empty until the first have come."""
        self._fetch = fetch
        self._every = max(every, interval)
        self._interval = interval
        self._timeout = timeout
        self._changed = changed
        self._count = count
        self._task: Task[None] | None = None
        self._wanted = asyncio.Event()
        self._round: Future[None]
        self._began = -inf
        self._busy = False
        self._good = True
        self._why = ""
        self._waiting = 0
        self._absent: set[str | None] = set()

    def __repr__(self) -> str:
        return f"<RemoteKeys [{'good' if self._good else self._why}] {self.keys!r}>"

    async def open(self, patience: float) -> None:
        """Begin; waits so many seconds for the first keys, and not at all for a server that refuses."""
        self._round = asyncio.get_running_loop().create_future()
        first = self._round
        self._busy = True
        self._task = spawn(self._keep(), "keys of tokens")
        await asyncio.wait({first}, timeout=patience)

    async def close(self) -> None:
        """Fetch no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    # The one who fetches...

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._busy, self._began = True, loop.time()
            self._good = await self._take()
            self._busy = False
            self._absent.clear()
            self._wanted.clear()  # whoever is not served by this fetch asks again
            ended, self._round = self._round, loop.create_future()
            ended.set_result(None)
            if self._good:
                await self._until_wanted(self._began + self._every)
            # Waiting for a server that failed is as patient as for a name that is not known.
            await asyncio.sleep(max(0.0, self._began + self._interval - loop.time()))

    async def _until_wanted(self, latest: float) -> None:
        try:
            async with asyncio.timeout_at(latest):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _take(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                keys = await self._fetch()
        except TimeoutError:
            return self._failed("no answer in time")
        except (GatewayError, ValueError) as error:
            return self._failed(str(error))
        self._count("keys_fetched")
        self._why = ""
        if (keys.content, keys.issuer) != (self.keys.content, self.keys.issuer):
            self.keys = keys
            self._changed()
        return True

    def _failed(self, why: str) -> bool:
        """Said once for each reason."""
        self._count("keys_failed")
        if why != self._why:
            what = "the last keys stay in force" if self.keys else "there are no keys yet"
            _log.warning("keys of tokens cannot be fetched", extra={"why": why, "what": what})
        self._why = why
        return False

    # Those who wait...

    def is_absent(self, kid: str | None) -> bool:
        """Whether a fetch has just shown that no such key is published."""
        return kid in self._absent and asyncio.get_running_loop().time() < self._began + self._interval

    async def newer(self, token: Token) -> bool:
        """Whether a key signed it, asked again and again until one did or a fetch that began after now has ended.

        Raises ClientError 503 when keys cannot be fetched: who knows what they would say?
        """
        if self._waiting >= MOST_WAITING:
            raise self._unavailable("too many wait for keys")
        loop = asyncio.get_running_loop()
        asked, late = loop.time(), loop.time() + self._interval + 2 * self._timeout
        self._waiting += 1
        try:
            while not self.keys.verifies(token):
                if not self._busy and not self._good:
                    raise self._unavailable("keys cannot be fetched")
                if not self._busy and self._began >= asked:
                    self._note_absent(token.kid)
                    return False
                self._wanted.set()
                if not (await asyncio.wait({self._round}, timeout=max(0.0, late - loop.time())))[0]:
                    raise self._unavailable("no keys in time")
            return True
        finally:
            self._waiting -= 1

    def _note_absent(self, kid: str | None) -> None:
        if len(self._absent) < MOST_ABSENT:
            self._absent.add(kid)

    def _unavailable(self, reason: str) -> ClientError:
        seconds = self._began + self._interval - asyncio.get_running_loop().time()
        return ClientError(503, reason, ((b"Retry-After", b"%d" % max(1, ceil(seconds)) if seconds < inf else b"1"),))
