"""The supervisor's side of the nursery: asks it for workers, starts it anew when it has died."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from a3sgw.control.birth import FORK, read
from a3sgw.control.descriptors import receive
from a3sgw.control.watch import Watch
from a3sgw.errors import GatewayError
from a3sgw.interpreter import command

_log = logging.getLogger("a3sgw.supervisor")

READY_TIMEOUT = 20.0
"""Seconds until a new nursery must be ready."""
BORN_TIMEOUT = 10.0
"""Seconds until a worker that was ordered must be there."""
_PATIENCE = 1.0
"""Seconds in which a nursery must have ended."""


@dataclass(frozen=True)
class Born:
    """A worker process: `process` is its pidfd, owned by whoever gets this."""

    pid: int
    process: int


class Births:
    """`ended` is told of every worker that ends: process id, and exit code or the negative signal.

    A nursery that takes longer than `ready` and `born` seconds is killed, and another one started when it is needed.
    """

    def __init__(
        self, ended: Callable[[int, int], None], ready: float = READY_TIMEOUT, born: float = BORN_TIMEOUT
    ) -> None:
        self._ended = ended
        self._limits = ready, born
        self._nursery: subprocess.Popen[bytes] | None = None
        self._killed: list[subprocess.Popen[bytes]] = []
        self._end: socket.socket | None = None
        self._watch: Watch | None = None
        self._waiting: deque[asyncio.Future[Born]] = deque()
        self._ready: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Spawn the nursery, which takes a moment to be ready; needs a running loop."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        line = command("a3sgw.supervisor.nursery", str(theirs.fileno()))
        with theirs:
            try:
                self._nursery = subprocess.Popen(line, pass_fds=[theirs.fileno()])  # noqa: S603 -- our own module
            except OSError as error:
                ours.close()
                raise GatewayError(f"cannot start the process that starts workers: {error.strerror}") from None
        self._end = ours
        self._ready = self._promise(self._limits[0])
        self._watch = Watch(ours.fileno(), self._readable)

    async def worker(self, channel: socket.socket, table: int) -> Born:
        """A new worker with its end of a channel and the descriptor of the shared table; GatewayError without a
        nursery."""
        if self._end is None:
            self.start()
        ready = self._ready
        assert ready is not None
        await asyncio.shield(ready)
        if self._end is None:
            raise GatewayError("the process that starts workers has ended")
        future: asyncio.Future[Born] = self._promise(self._limits[1])
        self._waiting.append(future)
        try:
            socket.send_fds(self._end, [FORK], [channel.fileno(), table])
        except BlockingIOError:  # as many orders as the socket takes are waiting already
            self._waiting.remove(future)
            future.cancel()
            raise GatewayError("cannot start a worker: too many are being started") from None
        except OSError as error:
            self._lose("has ended")
            raise GatewayError(f"cannot start a worker: {error.strerror}") from None
        return await future

    def close(self) -> None:
        """Have the nursery end, by force if it does not within a second; workers that still run are not affected."""
        nursery = self._nursery
        starts = self._ready is not None and not self._ready.done()
        self._hang_up("has ended")
        if nursery is not None and not starts:  # one that only just starts has nothing to finish
            with suppress(subprocess.TimeoutExpired):
                nursery.wait(_PATIENCE)
        self._kill()
        for one in self._killed:
            with suppress(subprocess.TimeoutExpired):  # the kernel may not let go of it
                one.wait(_PATIENCE)
            one.returncode = one.returncode or 0  # so that nobody complains that it was not waited for
        self._killed.clear()

    def _promise(self, seconds: float) -> asyncio.Future[Any]:
        """A future that the nursery has to fulfil in time."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(seconds, self._late, future)
        future.add_done_callback(lambda _: timer.cancel())
        return future

    def _late(self, future: asyncio.Future[Any]) -> None:
        # If this process was held up itself, the answer is there and was not read: timers come before what is readable.
        while not future.done() and self._read():
            continue
        if not future.done():
            self._lose("does not answer")

    def _readable(self) -> None:
        self._read()

    def _read(self) -> bool:
        """Act on one message; False when there is none, and none will come."""
        if self._end is None:
            return False
        try:
            message, descriptors = receive(self._end, 64, 1)
        except BlockingIOError:
            return False
        except OSError:
            message, descriptors = b"", []
        kind, pid, code = read(message)
        if kind == "ready":
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
        elif kind == "born":
            self._born(pid, descriptors)
        elif kind == "ended":
            self._ended(pid, code)
        else:
            self._lose("has ended")
        return True

    def _born(self, pid: int, descriptors: list[int]) -> None:
        waiting = self._waiting.popleft()
        if not descriptors:  # this process may have no more of them, and the kernel drops what does not fit
            if not waiting.done():
                waiting.set_exception(GatewayError("there are no descriptors left for a new worker"))
        elif waiting.done():
            os.close(descriptors[0])
        else:
            waiting.set_result(Born(pid, descriptors[0]))

    def _lose(self, why: str) -> None:
        _log.error("the process that starts workers %s; the next one is started when it is needed", why)
        self._hang_up(why)
        self._kill()

    def _hang_up(self, why: str) -> None:
        """Speak with the nursery no more; whoever waits for it is told."""
        if self._end is not None:
            if self._watch is not None:
                self._watch.close()
            self._end.close()
            self._end = None
        error = GatewayError(f"the process that starts workers {why}")
        futures: list[asyncio.Future[Any]] = [*self._waiting]
        if self._ready is not None:
            futures.append(self._ready)
        for future in futures:
            if not future.done():
                future.set_exception(error)
                future.exception()  # nobody may be waiting any more
        self._waiting.clear()

    def _kill(self) -> None:
        if self._nursery is not None:
            self._nursery.kill()  # it may not have ended, only closed its end, or hang
            self._killed.append(self._nursery)
            self._nursery = None
            asyncio.get_running_loop().call_later(_PATIENCE, self._bury)

    def _bury(self) -> None:
        self._killed = [one for one in self._killed if one.poll() is None]
