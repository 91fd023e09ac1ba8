"""A place for one worker after the other: as soon as one has ended the next begins, unless they all end too soon."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from a3sgw.errors import ConfigError, GatewayError
from a3sgw.supervisor.member import NEWS, Member
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw.supervisor")

BRIEF = 1.5
"""A worker that lives for less than these seconds has failed to start; one that lives longer is replaced at once."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
"""Seconds between brief lives: doubled each time, up to the longest."""
PATIENCE_AT_START = 3
"""Brief lives in a row after which a gateway that has not served yet gives up."""


class Employer(Protocol):
    """Who has places."""

    async def hire(self, place: int) -> Member:
        """A new worker that has said hello; GatewayError without one."""

    async def introduce(self, member: Member) -> None:
        """Tell it everything; from then on it serves. GatewayError when it cannot."""

    def let_go(self, member: Member) -> None:
        """It accepts no more, and finishes what runs beside its successor."""

    def replacing(self, kind: str) -> None:
        """Count a replacement: "died", "hung" or "stopped"."""

    def bury(self, member: Member) -> None:
        """It has ended, or must; nothing of it is needed any more. May be said again."""


class Place:
    """`member` works here now, if anybody does."""

    def __init__(self, number: int, employer: Employer) -> None:
        self.number = number
        self.member: Member | None = None
        self.served = asyncio.Event()
        """Somebody has served here once."""
        self.failed: asyncio.Future[GatewayError] = asyncio.get_running_loop().create_future()
        """Why nobody will, before that; nothing is tried any more then."""
        self._employer = employer
        self._brief_lives = 0
        self._last: Member | None = None
        self._task = spawn(self._keep(), f"worker {number}")

    def __repr__(self) -> str:
        return f"<Place [{self.number}, {self.member!r}]>"

    def close(self) -> None:
        """Have no successors; whoever works here now is not touched."""
        self._task.cancel()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.failed.done():
            began, has_served = loop.time(), False
            try:
                await self._one_life()
                has_served = True
            except GatewayError as error:
                await self._has_failed(await self._with_code(error))
            except Exception as error:  # a bug must not leave a place empty
                _log.exception("a worker could not be looked after", extra={"place": self.number})
                await self._has_failed(GatewayError(f"{type(error).__name__}: {error}"))
            if loop.time() - began > BRIEF:
                self._brief_lives = 0
            else:
                self._brief_lives += 1
                if has_served and self._brief_lives == 1:
                    continue  # it can serve: somebody may have killed it from outside
                await asyncio.sleep(min(FIRST_DELAY * 2 ** (self._brief_lives - 1), LONGEST_DELAY))

    async def _one_life(self) -> None:
        """Until the worker has to be replaced; GatewayError when it never served."""
        member = self.member = self._last = await self._employer.hire(self.number)
        leaves = False
        try:
            await self._employer.introduce(member)
            if self.served.is_set():
                _log.info("a worker has started", extra={"place": self.number, "pid": member.pid})
            self.served.set()
            leaving = spawn(member.left.wait(), "wait for a worker to leave")
            try:
                await asyncio.wait((member.gone, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
            leaves = member.left.is_set()
        finally:
            self.member = None
            if leaves and not member.gone.done():
                self._employer.let_go(member)
            elif member.gone.done():
                self._employer.bury(member)
        reason = "it was told to stop" if leaves else member.gone.result()
        kind = "stopped" if leaves else "hung" if member.hung else "died"
        self._employer.replacing(kind)
        loop = asyncio.get_running_loop()
        loop.call_later(0 if leaves else NEWS, _tell, member, kind, reason)

    async def _with_code(self, error: GatewayError) -> GatewayError:
        """The error, or how the process ended if that is why."""
        last, self._last = self._last, None
        if last is None or isinstance(error, ConfigError):
            return error
        await asyncio.sleep(NEWS)
        return error if last.code is None or last.killed else GatewayError(f"worker {self.number}: {last.end}")

    async def _has_failed(self, error: GatewayError) -> None:
        if self.served.is_set():
            _log.error("a worker did not start: %s", error, extra={"place": self.number})
            return
        if isinstance(error, ConfigError):
            self.failed.set_result(error)
        elif self._brief_lives + 1 >= PATIENCE_AT_START:
            self.failed.set_result(GatewayError(f"the workers do not start: {error}"))


def _tell(member: Member, kind: str, reason: str) -> None:
    how = reason if kind == "stopped" else member.end
    level = logging.WARNING if kind == "stopped" else logging.ERROR
    extra = {"place": member.place, "pid": member.pid, "connections": member.connections}
    _log.log(level, "a worker was replaced: %s", how, extra=extra)
