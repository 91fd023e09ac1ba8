"""The supervisor's side of the nursery: asks it for workers, starts it anew when it has died."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from a3sgw.control.birth import FORK, read
from a3sgw.control.descriptors import receive
from a3sgw.control.watch import Watch
from a3sgw.errors import GatewayError
from a3sgw.interpreter import command

_log = logging.getLogger("a3sgw.supervisor")


@dataclass(frozen=True)
class Born:
    """A worker process: `process` is its pidfd, owned by whoever gets this."""

    pid: int
    process: int


class Births:
    """`ended` is told of every worker that ends: process id, and exit code or the negative signal."""

    def __init__(self, ended: Callable[[int, int], None]) -> None:
        self._ended = ended
        self._nursery: subprocess.Popen[bytes] | None = None
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
        self._ready = asyncio.get_running_loop().create_future()
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
        future: asyncio.Future[Born] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            socket.send_fds(self._end, [FORK], [channel.fileno(), table])
        except BlockingIOError:  # as many orders as the socket takes are waiting already
            self._waiting.remove(future)
            raise GatewayError("cannot start a worker: too many are being started") from None
        except OSError as error:
            self._died()
            raise GatewayError(f"cannot start a worker: {error.strerror}") from None
        return await future

    def close(self) -> None:
        """Let the nursery end; workers that still run are not affected."""
        self._died()

    def _readable(self) -> None:
        assert self._end is not None
        try:
            message, descriptors = receive(self._end, 64, 1)
        except BlockingIOError:
            return
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
            _log.error("the process that starts workers has ended; the next one is started when it is needed")
            self._died()

    def _born(self, pid: int, descriptors: list[int]) -> None:
        waiting = self._waiting.popleft()
        if not descriptors:  # this process may have no more of them, and the kernel drops what does not fit
            if not waiting.done():
                waiting.set_exception(GatewayError("there are no descriptors left for a new worker"))
        elif waiting.done():
            os.close(descriptors[0])
        else:
            waiting.set_result(Born(pid, descriptors[0]))

    def _died(self) -> None:
        if self._end is not None:
            if self._watch is not None:
                self._watch.close()
            self._end.close()
            self._end = None
        error = GatewayError("the process that starts workers has ended")
        futures: list[asyncio.Future[Any]] = [*self._waiting]
        if self._ready is not None:
            futures.append(self._ready)
        for future in futures:
            if not future.done():
                future.set_exception(error)
                future.exception()  # nobody may be waiting any more
        self._waiting.clear()
        if self._nursery is not None:
            nursery, self._nursery = self._nursery, None
            asyncio.get_running_loop().run_in_executor(None, nursery.wait)
