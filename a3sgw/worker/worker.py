"""A worker process: the data plane at the end of a channel."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from a3sgw.affinity import bind
from a3sgw.config.model import Config
from a3sgw.control.channel import Channel
from a3sgw.control.edition import Draft
from a3sgw.control.messages import (
    Abandon,
    Abandoned,
    Addresses,
    BreakerState,
    Certificate,
    Collect,
    Commit,
    Committed,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    Hello,
    Items,
    Leaving,
    Listen,
    LogLevel,
    Message,
    Order,
    Prepare,
    Refused,
    ReopenLogs,
    Sockets,
    Stop,
    Welcome,
    decode,
    encode,
)
from a3sgw.control.messages import Prepared as Ready
from a3sgw.data_plane import DataPlane, Prepared
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.loop import run
from a3sgw.own_log import OwnLog
from a3sgw.proxy.gate import PATIENCE
from a3sgw.shared.table import SharedTable
from a3sgw.tasks import spawn
from a3sgw.title import set_title
from a3sgw.version import __version__
from a3sgw.worker.reports import Reports

_log = logging.getLogger("a3sgw.worker")
_FATAL = 70
"""Exit code after something that should never happen (EX_SOFTWARE of sysexits.h)."""


def main(channel: socket.socket, table: int) -> int:
    """Serve until told to stop, or until the supervisor has gone; returns the exit code.

    `table` is the descriptor of the shared table.
    """
    return run(_serve(channel, table))


async def _serve(end: socket.socket, table: int) -> int:
    worker = Worker(end, table)
    code = await worker.ended()
    await worker.close()
    return code


class Worker:
    """Answers the messages of one channel."""

    def __init__(self, end: socket.socket, table: int) -> None:
        self._table_descriptor = table
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._channel = Channel(end, self._receive, self._alone)
        self._log = OwnLog()
        self._table: SharedTable | None = None
        self._plane: DataPlane | None = None
        self._reports: Reports | None = None
        self._draft: Draft | None = None
        self._sockets: _Sockets = {}
        self._preparing: dict[int, asyncio.Task[None]] = {}
        self._prepared: dict[int, Prepared] = {}
        self._stopping: asyncio.Task[None] | None = None
        self._worker = 0
        self._send(Hello(__version__, os.getpid()))

    def _send(self, message: Message) -> None:
        self._channel.send(encode(message))

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        return await self._end

    async def close(self) -> None:
        """Close everything that is still open."""
        if self._reports is not None:
            self._reports.stop()
            if self._channel.is_open:
                await self._reports.report()
        if self._plane is not None:
            await self._plane.close()
        if self._table is not None:
            self._table.close()
        self._channel.close()
        self._log.flush()

    # Messages...

    def _receive(self, body: bytes, descriptors: list[int]) -> None:
        message = decode("down", body)
        sockets = [socket.socket(fileno=one) for one in descriptors]
        if not isinstance(message, Sockets | Listen):
            for one in sockets:
                one.close()
        match message:
            case Welcome():
                self._welcome(message)
            case Items() | Order():
                if self._draft is None or self._draft.generation != message.generation:
                    self._draft = Draft(self._config, message.generation)
                self._draft.add(message)
            case Sockets():
                self._sockets |= _shared_out(message.listeners, sockets)
            case Prepare():
                self._preparing[message.generation] = spawn(self._prepare(message), "prepare configuration")
            case Listen() if self._plane is not None:
                spawn(self._plane.accept(_shared_out(message.listeners, sockets)), "accept from other sockets")
            case Commit():
                self._commit(message.generation)
            case Abandon():
                spawn(self._abandon(message.generation), "abandon configuration")
            case Stop():
                self._stop(message.seconds, message.patience)
            case Collect() if self._reports is not None:
                spawn(self._reports.report(message.token), "report counters")
            case ReopenLogs():
                if self._plane is not None:
                    self._plane.reopen_logs()
                self._log.reopen()
            case LogLevel():
                self._log.show(message.level)
            case (
                EndpointHealth() | EndpointWeight() | EndpointDrain() | Addresses() | Certificate() | Ejection()
                | BreakerState()
            ) if self._plane is not None:  # fmt: skip
                self._plane.take(message)

    def _welcome(self, message: Welcome) -> None:
        set_title(f"worker {message.worker}")
        self._worker = message.worker
        self._log = OwnLog(message.log_level, message.log_format, message.worker)
        self._table = SharedTable.attach(self._table_descriptor, message.owner)
        plane = self._plane = DataPlane(
            self._table, Path(os.fsdecode(message.directory)) if message.directory else None
        )
        plane.tell = self._send
        plane.start()
        self._reports = Reports(plane, self._send)
        self._reports.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave)

    def _alone(self, reason: str) -> None:
        """Without a supervisor nobody would replace this worker or tell it anything: finish what runs, and end."""
        if self._stopping is None:
            _log.error("the supervisor has gone (%s); finishing what runs", reason)
            self._stop(self._config.shutdown_timeout_secs if self._config is not None else 0.0, 0.0)

    def _leave(self) -> None:
        """Somebody else ends this worker: its successor accepts from the same sockets."""
        self._send(Leaving())
        self._stop(self._config.shutdown_timeout_secs if self._config is not None else 0.0, PATIENCE)

    # Configurations...

    @property
    def _config(self) -> Config | None:
        if self._plane is None or self._plane.snapshot is None:
            return None
        return self._plane.config

    async def _prepare(self, message: Prepare) -> None:
        plane, draft, sockets = self._plane, self._draft, self._sockets
        self._draft, self._sockets = None, {}
        if draft is None or draft.generation != message.generation:
            draft = Draft(self._config, message.generation)
        try:
            if plane is None:
                raise RuntimeError("a configuration came before a welcome")
            prepared = await plane.prepare(draft.finish(message.rest), sockets)
        except GatewayError as error:
            problems = error.diagnostics if isinstance(error, ConfigError) else ()
            told = [(one.summary, one.help) for one in problems] or [(str(error), "")]
            self._send(Refused(message.generation, told))
        except Exception as error:  # a bug: nothing has changed, and the supervisor has to know
            _log.exception("a configuration could not be prepared")
            self._send(Refused(message.generation, [(f"{type(error).__name__}: {error}", "")]))
        else:
            self._prepared[message.generation] = prepared
            self._send(Ready(message.generation))
        finally:
            del self._preparing[message.generation]

    def _commit(self, generation: int) -> None:
        prepared = self._prepared.pop(generation, None)
        if prepared is None or self._plane is None:
            return
        first = self._plane.snapshot is None
        self._plane.commit(prepared)
        self._log.follow(prepared.config.log)
        if first and prepared.config.worker_cpu_affinity:
            bind(self._worker)
        self._send(Committed(generation))

    async def _abandon(self, generation: int) -> None:
        """What hangs while it is opened is not waited for."""
        preparing = self._preparing.get(generation)
        if preparing is not None:
            preparing.cancel()
            await asyncio.wait([preparing])
        prepared = self._prepared.pop(generation, None)
        if prepared is not None and self._plane is not None:
            await self._plane.discard(prepared)
        self._send(Abandoned(generation))

    # The end...

    def _stop(self, seconds: float, patience: float) -> None:
        if self._stopping is None:
            self._stopping = spawn(self._finish(seconds, patience), "stop")

    async def _finish(self, seconds: float, patience: float) -> None:
        code = 0
        try:
            if self._plane is not None:
                await self._plane.drain(seconds, patience)
        except Exception:
            _log.exception("stopping failed")
            code = _FATAL
        if not self._end.done():
            self._end.set_result(code)


_Sockets = dict[str, Sequence[socket.socket]]


def _shared_out(listeners: Sequence[tuple[str, int]], sockets: Sequence[socket.socket]) -> _Sockets:
    """The sockets by the listeners they belong to."""
    found: _Sockets = {}
    start = 0
    for key, count in listeners:
        found[key] = sockets[start : start + count]
        start += count
    return found
