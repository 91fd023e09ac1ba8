"""One worker process as the supervisor sees it: what it was sent, what it has answered, when it was heard of last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from a3sgw.config.model import Config
from a3sgw.control.channel import MOST_DESCRIPTORS, Channel
from a3sgw.control.edition import Edition
from a3sgw.control.messages import (
    Abandon,
    Abandoned,
    Commit,
    Committed,
    Heartbeat,
    Hello,
    Leaving,
    Listen,
    Message,
    Prepare,
    Prepared,
    Refused,
    Sockets,
    Stop,
    decode,
    encode,
)
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.listeners import Listener
from a3sgw.supervisor.births import Born
from a3sgw.supervisor.pulse import SILENCE, STARVED

_log = logging.getLogger("a3sgw.supervisor")

PREPARE_TIMEOUT = 120.0
"""Seconds a worker has for compiling a configuration and opening what is new; its heart beats meanwhile."""
COMMIT_TIMEOUT = 5.0
"""Seconds for what it does at once: using what it has prepared, or forgetting it."""
_SLICE = 0.5
"""Seconds of waiting at a time; what takes longer was the supervisor's own pause, in which it has heard nothing."""
NEWS = 0.1
"""Seconds after the end of a process within which the nursery says how it ended."""
_GRACE = 0.5
"""Seconds between the end of a process and that of its channel."""


class Reports(Protocol):
    """Who listens to what a worker says besides answers."""

    def reported(self, member: Member, message: Message) -> None:
        """Counters, events, news of endpoints."""


class Member:
    """`gone` is done once the process has ended or cannot be talked to any more; then it is killed."""

    def __init__(self, place: int, owner: int, born: Born, end: socket.socket, reports: Reports) -> None:
        loop = asyncio.get_running_loop()
        self.place = place
        self.owner = owner
        self.pid = born.pid
        self.config: Config | None = None
        """The configuration it uses."""
        self.generation = 0
        self.connections = 0
        self.leaving = False
        """It accepts no more, by itself or because it was told to."""
        self.hung = False
        """Its heart has stopped."""
        self.stopped = False
        """By a signal or a debugger; known when it is hung."""
        self.killed = False
        """By the supervisor, for a reason that `gone` tells."""
        self.code: int | None = None
        """Exit code, or the negative number of a signal, once it is known."""
        self.talking = asyncio.Lock()
        """Held by whoever waits for its answers."""
        self.left = asyncio.Event()
        """It leaves by itself: somebody else has told it to."""
        self.heard_at = loop.time()
        self.gone: asyncio.Future[str] = loop.create_future()
        """Why, as far as the supervisor knows."""
        self._process = born.process
        self._reports = reports
        self._keys: set[str] = set()
        self._answer: asyncio.Future[Message] | None = None
        self._expected: tuple[type[Message], ...] = ()
        self._expected_generation = 0
        self._silent = False
        self._exited = False
        self._channel = Channel(end, self._receive, self._lost)
        loop.add_reader(self._process, self._on_exit)

    def __repr__(self) -> str:
        return f"<Member [{self.place}, process {self.pid}, generation {self.generation}]>"

    @property
    def usable(self) -> bool:
        """Whether it accepts connections."""
        return self.generation > 0 and not self.leaving and not self.gone.done()

    @property
    def victim(self) -> bool:
        """Whether somebody else has ended or stopped it: kill(1), a debugger, the kernel that needs its memory."""
        return self.stopped or (self.code == -signal.SIGKILL and not self.killed)

    @property
    def end(self) -> str:
        """How it has ended, in words: why the supervisor has killed it, or with which code or by which signal."""
        if self.killed or self.code is None:
            return self.gone.result() if self.gone.done() else "it has not ended"
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-self.code).name}"
        return f"it ended with exit code {self.code}"

    # Talking...

    def send(self, message: Message) -> None:
        """Say something that needs no answer."""
        self._channel.send(encode(message))

    async def hello(self, seconds: float) -> Hello:
        """Wait for its first message."""
        answer = await self._answered((Hello,), seconds)
        assert isinstance(answer, Hello)
        return answer

    async def prepare(self, edition: Edition, changes: Sequence[bytes], shares: Mapping[str, Sequence[int]]) -> None:
        """Send a configuration as encoded changes, with the descriptors of its new listeners by key.

        ConfigError when the worker cannot use it or does not come to an end of it, GatewayError when it has ended.
        """
        for change in changes:
            self._channel.send(change)
        for batch in _batches(shares):
            self._channel.send(encode(Sockets(_counts(batch))), [one for group in batch.values() for one in group])
        self.send(Prepare(edition.generation, edition.rest()))
        answer = await self._heard((Prepared, Refused), PREPARE_TIMEOUT, edition.generation)
        if answer is None:
            self.abandon(edition)
            with contextlib.suppress(GatewayError):  # then it has been killed
                await self._answered((Abandoned,), COMMIT_TIMEOUT, edition.generation)
            problem = f"worker {self.place} did not finish preparing within {PREPARE_TIMEOUT:g} seconds"
            raise ConfigError([Diagnostic("error", None, problem, "see what a middleware waits for when it is opened")])
        if isinstance(answer, Refused):
            raise ConfigError([Diagnostic("error", None, summary, help) for summary, help in answer.problems])

    async def commit(self, edition: Edition, keys: set[str]) -> None:
        """Have it use what it has prepared; GatewayError when it does not say that it does."""
        self.send(Commit(edition.generation))
        self.config = edition.config
        self._keys = keys
        await self._answered((Committed,), COMMIT_TIMEOUT, edition.generation)
        self.generation = edition.generation

    def abandon(self, edition: Edition) -> None:
        """Have it forget what it has prepared."""
        self.send(Abandon(edition.generation))

    def missing(self, listeners: Mapping[str, Listener]) -> dict[str, Listener]:
        """Those it does not accept from yet."""
        return {key: one for key, one in listeners.items() if key not in self._keys}

    def listen(self, shares: Mapping[str, Sequence[int]]) -> None:
        """Have it accept from these sockets of listeners it knows, and from no others."""
        for batch in _batches(shares):
            self._channel.send(encode(Listen(_counts(batch))), [one for group in batch.values() for one in group])

    def stop(self, seconds: float, patience: float) -> None:
        """Have it finish what runs and end."""
        self.leaving = True
        self.send(Stop(seconds, patience))

    def kill(self, reason: str) -> None:
        """End it at once."""
        self.killed = self.killed or not self.gone.done()
        self._go(reason)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def close(self) -> None:
        """Let go of everything; the process is ended if it has not."""
        if self._process >= 0:
            self.kill("it is not needed any more")
            asyncio.get_running_loop().remove_reader(self._process)
            os.close(self._process)
            self._process = -1
        self._channel.close()

    async def _answered(self, kinds: tuple[type[Message], ...], seconds: float, generation: int = 0) -> Message:
        """The answer; GatewayError when it has ended, or has been killed because there was none in time."""
        answer = await self._heard(kinds, seconds, generation)
        if answer is None:
            self.kill(f"it did not answer for {seconds:g} seconds")
            raise GatewayError(f"worker {self.place} did not answer for {seconds:g} seconds")
        return answer

    async def _heard(self, kinds: tuple[type[Message], ...], seconds: float, generation: int) -> Message | None:
        """The answer, or None without one in time; GatewayError when it has ended."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._expected, self._expected_generation = kinds, generation
        try:
            await self._first_of(answer, seconds)
        finally:
            self._answer = None
        if answer.done():
            said: Message = answer.result()
            return said
        if self.gone.done():
            raise GatewayError(f"worker {self.place} has ended: {self.gone.result()}")
        return None

    async def _first_of(self, answer: asyncio.Future[Message], seconds: float) -> None:
        """Wait for the answer, or the end, or so many seconds in which the worker could be heard.

        Whether one that is silent is hung is for those to say who watch its heart, as long as they may excuse it.
        """
        loop = asyncio.get_running_loop()
        while not (answer.done() or self.gone.done()):
            before = loop.time()
            if seconds <= 0.0 and not SILENCE < before - self.heard_at < STARVED:
                return
            pause = min(seconds, _SLICE) if seconds > 0.0 else _SLICE
            await asyncio.wait((answer, self.gone), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if loop.time() - before < pause + _SLICE:
                seconds -= pause

    # Hearing...

    def _receive(self, body: bytes, descriptors: list[int]) -> None:
        for one in descriptors:
            os.close(one)
        message = decode("up", body)
        self.heard_at = asyncio.get_running_loop().time()
        match message:
            case Heartbeat():
                self.connections = message.connections
            case Leaving():
                self.leaving = True
                self._reports.reported(self, message)
            case Hello() | Prepared() | Refused() | Abandoned() | Committed():
                self._answers(message)
            case _:
                self._reports.reported(self, message)

    def _answers(self, message: Hello | Prepared | Refused | Abandoned | Committed) -> None:
        generation = 0 if isinstance(message, Hello) else message.generation
        answer = self._answer
        expected = isinstance(message, self._expected) and generation == self._expected_generation
        if answer is not None and expected and not answer.done():
            answer.set_result(message)

    # Ending: the process and its end of the channel, in either order; what it said last is still heard...

    def _lost(self, reason: str) -> None:
        self._silent = True
        if self._exited:
            self._go("it has ended")
        else:
            asyncio.get_running_loop().call_later(_GRACE, self._still_there, reason)

    def _still_there(self, reason: str) -> None:
        if not self.gone.done():
            self.kill(f"its channel was closed: {reason}")

    def _on_exit(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._process)
        self._exited = True
        if self._silent:
            self._go("it has ended")
        else:
            loop.call_later(_GRACE, self._go, "it has ended")

    def _go(self, reason: str) -> None:
        if not self.gone.done():
            self.gone.set_result(reason)


def _batches(shares: Mapping[str, Sequence[int]]) -> Iterator[dict[str, Sequence[int]]]:
    """Descriptors by listener, as many as fit in one message."""
    batch: dict[str, Sequence[int]] = {}
    for key, group in shares.items():
        if sum(map(len, batch.values())) + len(group) > MOST_DESCRIPTORS:
            yield batch
            batch = {}
        if group:
            batch[key] = group
    if batch:
        yield batch


def _counts(batch: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    return [(key, len(group)) for key, group in batch.items()]
