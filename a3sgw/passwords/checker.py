"""Checks of passwords that take their time: off the loop, each once, never too many, and remembered for a while."""

from __future__ import annotations

import asyncio
import os
from asyncio import Future
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from time import monotonic

from a3sgw.passwords.hashes import Hash

_THREADS = 2
"""Its own ones, so that a flood of wrong passwords keeps nothing waiting but passwords."""
_WRONG_FOR = 10.0
"""Seconds for which a wrong password is remembered at most: it may become right."""
_MOST_WRONG = 1024


class TooManyChecks(Exception):
    """So many are under way that one more would only wait."""


class Checker:
    """Remembers up to `size` right passwords for `seconds`, and some wrong ones for less; up to `waiting` checks may be
    under way. Credentials are only known by a digest whose random key lives as long as this object: a memory dump
    gives nothing to guess against without it."""

    def __init__(self, seconds: float, size: int, waiting: int) -> None:
        self._seconds = seconds
        self._size = size
        self._waiting = waiting
        self._keyed = blake2b(key=os.urandom(32), digest_size=32)
        # Apart, so that a flood of wrong ones does not push out the right ones.
        self._right: dict[bytes, tuple[float, str]] = {}
        self._wrong: dict[bytes, float] = {}
        self._running: dict[bytes, Future[bool]] = {}
        self._executor: ThreadPoolExecutor | None = None
        self._generation = 0
        self.clock = monotonic

    def mark(self, credential: bytes) -> bytes:
        """What a credential is known by here."""
        digest = self._keyed.copy()
        digest.update(credential)
        return digest.digest()

    def known(self, mark: bytes) -> str | None:
        """Whose it is, an empty text when it is wrong; None when that is not known, or not any more."""
        right = self._right.get(mark)
        if right is not None:
            return right[1] if self.clock() < right[0] else None
        wrong = self._wrong.get(mark)
        return "" if wrong is not None and self.clock() < wrong else None

    async def check(self, mark: bytes, user: str, password: bytes, hash: Hash, counts: bool) -> bool:
        """Whether it is the password of this user. `counts` is False for a check in vain. Raises TooManyChecks."""
        running = self._running.get(mark)
        if running is None:
            running = self._begin(mark, user, password, hash, counts)
        return await asyncio.shield(running) and counts

    def _begin(self, mark: bytes, user: str, password: bytes, hash: Hash, counts: bool) -> Future[bool]:
        if len(self._running) >= self._waiting:
            raise TooManyChecks
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_THREADS, "a3sgw password")
        running = asyncio.get_running_loop().run_in_executor(self._executor, hash.check, password)
        self._running[mark] = running
        generation = self._generation

        def ended(future: Future[bool]) -> None:
            if self._running.get(mark) is future:
                del self._running[mark]
            if not future.cancelled() and future.exception() is None and generation == self._generation:
                self._remember(mark, user, future.result() and counts)

        running.add_done_callback(ended)
        return running

    def _remember(self, mark: bytes, user: str, right: bool) -> None:
        if right and self._seconds and self._size:
            self._right.pop(mark, None)
            _shorten(self._right, self._size)
            self._right[mark] = (self.clock() + self._seconds, user)
        elif not right and self._seconds:
            self._wrong.pop(mark, None)
            _shorten(self._wrong, _MOST_WRONG)
            self._wrong[mark] = self.clock() + min(self._seconds, _WRONG_FOR)

    def forget(self) -> None:
        """With other users, nothing is certain; what is being checked counts for those who wait, and is forgotten."""
        self._generation += 1
        self._right.clear()
        self._wrong.clear()
        self._running.clear()

    def close(self) -> None:
        """Let the threads end, once they have done what is under way."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)


def _shorten(remembered: dict[bytes, tuple[float, str]] | dict[bytes, float], size: int) -> None:
    """Make room for one more: the oldest goes."""
    if len(remembered) >= size:
        del remembered[next(iter(remembered))]
