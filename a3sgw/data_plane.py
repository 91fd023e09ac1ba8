"""What carries traffic in one process: a snapshot, entrypoints, counters. Configurations come in, nothing is decided.

A new configuration is first prepared, which may fail and changes nothing that runs, and then committed, which cannot
fail: so several processes can take it all together or not at all.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from a3sgw.collection import collection_paused
from a3sgw.config.document import Document
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.model import Config
from a3sgw.config.registry import Registry
from a3sgw.control.messages import Pushed
from a3sgw.control.pushed import State
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import ConfigError, NoEndpoint
from a3sgw.http.message import Request, Response
from a3sgw.listeners import key_of
from a3sgw.middlewares.base import Shared
from a3sgw.observe.access_log import CLOSE_TIMEOUT, AccessLog
from a3sgw.observe.metrics import Metrics
from a3sgw.observe.writer import Target, Writer
from a3sgw.proxy.asking import ask
from a3sgw.proxy.gate import PATIENCE, Connection
from a3sgw.proxy.observers import counting, logging_calls_to, logging_to
from a3sgw.proxy.session_log import logging_sessions_to
from a3sgw.proxy.tunnel import Tunnel
from a3sgw.retire import Close, retire
from a3sgw.routing.route import Observer, Route
from a3sgw.service.service import Service
from a3sgw.serving import Serving, made
from a3sgw.shared.table import SharedTable
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.steps import take_turns
from a3sgw.sweeper import Sweeper
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw")
_MANY = 500
"""Routers from which on a reload is worth keeping the garbage collector out of."""

Sockets = Mapping[str, Sequence[socket.socket]]
"""Listening sockets by `key_of` their entrypoint; whoever gets them closes them."""


@dataclass
class Prepared:
    """A configuration that is ready to be committed, or discarded."""

    config: Config
    snapshot: Snapshot
    entrypoints: dict[str, Serving]
    """Those that are new."""
    log: AccessLog | None
    output: Writer | None
    """Where a log that goes on has to move to."""
    known: list[Pushed]
    """What was known of endpoints when it was compiled."""
    undo: AsyncExitStack = field(repr=False)


class DataPlane:
    """Serves one configuration at a time; `close` ends it."""

    def __init__(self, table: SharedTable, directory: Path | None = None) -> None:
        """`directory` is where relative file names of the configuration are looked up."""
        self.metrics = Metrics(table.state)
        self.state = State()
        """What the control plane, and other processes, have said of endpoints."""
        self.tell: Callable[[Pushed], None] = lambda message: None
        """Called with what services of this process notice, for whoever tells others."""
        self.snapshot: Snapshot | None = None
        self.entrypoints: dict[str, Serving] = {}
        self._table = table
        self._directory = directory
        self._sweeper = Sweeper()
        self._registry = Registry()
        self._shared = Shared()
        self._bound: dict[str, str] = {}
        self._access_log: AccessLog | None = None
        self._leaving: set[Serving] = set()
        self._finishing: set[asyncio.Task[object]] = set()
        self._old_services: list[Service] = []
        """No longer in use, but with requests that began under them."""
        self._ending: set[asyncio.Task[bool]] = set()
        """Work that has an end of its own, and must not be cancelled: it may not have begun."""

    def __repr__(self) -> str:
        return f"<DataPlane [{len(self.entrypoints)} entrypoints]>"

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self.snapshot.config if self.snapshot is not None else Config()

    def start(self) -> None:
        """Before the first configuration; needs a running loop."""
        self._sweeper.start()

    async def prepare(self, config: Config, sockets: Sockets, document: Document | None = None) -> Prepared:
        """Compile and open what is new, or raise ConfigError and leave everything as it was.

        `sockets` holds those of every listener that no entrypoint has yet; they are closed if they are not needed.
        """
        async with AsyncExitStack() as undo:
            for one in (one for group in sockets.values() for one in group):
                undo.callback(one.close)
            log, output = self._open_log(config, undo)
            known = self.state.all()
            parts = Parts(
                self._sweeper,
                lambda *names: self._observers(log, config, *names),
                self._registry,
                self._directory,
                log,
                self._table,
                self._report,
                self._counter,
                known,
                self._middleware_counter,
                self.metrics.tcp,
                lambda *names: self._tcp_observers(log, *names),
                self._ask,
                self._shared,
                self.metrics.datagrams,
            )
            previous = self.snapshot
            with collection_paused() if len(config.routers) > _MANY else nullcontext():
                snapshot = await take_turns(Snapshot.steps(config, parts, previous, document))
            await snapshot.open(previous, document)
            undo.push_async_callback(snapshot.close, previous)
            opened = await self._listen(config, snapshot, sockets, undo)
            needed = {key_of(name, config.entrypoints[name]) for name in opened}
            for one in (one for key, group in sockets.items() if key not in needed for one in group):
                one.close()
            return Prepared(config, snapshot, opened, log, output, known, undo.pop_all())
        raise AssertionError("unreachable")

    async def discard(self, prepared: Prepared) -> None:
        """Close what was opened for a configuration that is not wanted after all."""
        await prepared.undo.aclose()

    def commit(self, prepared: Prepared) -> None:
        """Plain assignments with no await between them: no request sees half of a configuration."""
        prepared.undo.pop_all()
        config, snapshot = prepared.config, prepared.snapshot
        previous, old_entrypoints = self.snapshot, self.entrypoints
        self.entrypoints = {
            name: prepared.entrypoints.get(name) or old_entrypoints[name] for name in config.entrypoints
        }
        self._bound = {name: key_of(name, options) for name, options in config.entrypoints.items()}
        for name, options in config.entrypoints.items():
            self._apply_to(self.entrypoints[name], options, snapshot)
        self.snapshot = snapshot
        self.metrics.certificates = snapshot.certificates
        self.metrics.forget(snapshot.names())
        known = set(map(id, prepared.known))
        for message in self.state.all():
            if id(message) not in known:  # it has come since
                self._apply(message)
        endpoints = {(name, one.url) for name, it in snapshot.services.items() for one in it.endpoints}
        self.state.keep(endpoints | {(name, "") for name in (*snapshot.nodes, *snapshot.services)})
        close: list[Close] = []
        old_log, self._access_log = self._access_log, prepared.log
        if old_log is not None and prepared.log is None:
            close.append(old_log.close)
        if old_log is not None and prepared.output is not None:
            moved = spawn(asyncio.to_thread(old_log.move(prepared.output).close, CLOSE_TIMEOUT), "close old access log")
            self._ending.add(moved)
            moved.add_done_callback(self._ending.discard)
        if previous is None:
            # What lives as long as the process need not be looked at by every collection.
            gc.collect()
            gc.freeze()
        else:
            used = set(map(id, snapshot.services.values()))
            left = [one for one in previous.services.values() if id(one) not in used]
            self._old_services = [one for one in (*self._old_services, *left) if one.is_needed]
            previous.close_services(snapshot)
            close.insert(0, partial(previous.close_middlewares, snapshot))
            close.append(lambda: take_turns(previous.dismantle(snapshot)))
            overtaken = self._overtaken(old_entrypoints)
            for connection, _ in overtaken:
                if isinstance(connection, Tunnel):  # everything else has an end of its own
                    connection.retire(connection.terms.drain_timeout)
            self._later(retire(overtaken, close), "let go of the old snapshot")
        for name, entrypoint in old_entrypoints.items():
            if self.entrypoints.get(name) is not entrypoint:
                self._let_go(entrypoint, config.shutdown_timeout_secs)

    # Opening...

    def _open_log(self, config: Config, undo: AsyncExitStack) -> tuple[AccessLog | None, Writer | None]:
        """The access log of this configuration, and the output it has to move to."""
        options = config.access_log
        if not options.enabled:
            return None, None
        if self._access_log is not None and options.file == self.config.access_log.file:
            return self._access_log, None
        target: Target = Path(options.file) if options.file else "stdout"
        try:
            if self._access_log is None:
                log = AccessLog(target, self.metrics.lose)
                undo.push_async_callback(log.close)
                return log, None
            output = Writer(target)
        except OSError as error:
            problem = f"cannot write the access log to {options.file}: {error.strerror or error}"
            raise ConfigError([Diagnostic("error", None, problem, "check the path and its permissions")]) from None
        undo.callback(output.close, 0.0)
        return self._access_log, output

    async def _listen(
        self, config: Config, snapshot: Snapshot, sockets: Sockets, undo: AsyncExitStack
    ) -> dict[str, Serving]:
        """Entrypoints that are new or have a new address; where only the name of an address changes, its sockets stay
        open and no client is turned away."""
        opened: dict[str, Serving] = {}
        holders = {key: self.entrypoints[name] for name, key in self._bound.items()}
        for name, options in config.entrypoints.items():
            key = key_of(name, options)
            if self._bound.get(name) == key:
                continue
            counters = self.metrics.entrypoint(name)
            one = opened[name] = made(options.protocol, name, self._sweeper, counters, self._table)
            undo.callback(one.stop)
            self._apply_to(one, options, snapshot)
            if key in sockets:
                await one.listen(sockets[key])
            else:
                await one.take_over(holders[key])
        return opened

    def _apply_to(self, entrypoint: Serving, options: Entrypoint, snapshot: Snapshot) -> None:
        gate = entrypoint.gate
        name = gate.name
        gate.apply(options, snapshot.tables.get(name), snapshot.doors.get(name), snapshot.switching.switches.get(name))

    async def accept(self, sockets: Sockets) -> None:
        """Accept from exactly these sockets of listeners that are there already; those of others are closed."""
        holders = {key: self.entrypoints[name] for name, key in self._bound.items()}
        for key, group in sockets.items():
            if key in holders:
                await holders[key].listen_only(group)
            else:
                for one in group:
                    one.close()

    def _observers(
        self, log: AccessLog | None, config: Config, entrypoint: str, router: str, service: str, careful: bool
    ) -> tuple[Observer, ...]:
        if config.entrypoints[entrypoint].protocol == "udp":
            return () if log is None else (logging_sessions_to(log, entrypoint, router, service),)
        count = counting(self.metrics.route(entrypoint, router, service))
        if log is None:
            return (count,)
        secured = config.entrypoints[entrypoint].tls is not None
        return (count, logging_to(log, entrypoint, router, service, careful, secured))

    def _tcp_observers(self, log: AccessLog | None, entrypoint: str, router: str, service: str) -> tuple[Observer, ...]:
        return () if log is None else (logging_calls_to(log, entrypoint, router, service),)

    # What is known of endpoints...

    def take(self, message: Pushed) -> None:
        """The control plane, or another process, says something of an endpoint or a breaker."""
        self.state.take(message)
        self._apply(message)

    def _apply(self, message: Pushed) -> None:
        snapshot = self.snapshot
        name = getattr(message, "service", "")
        if snapshot is None or not name:
            return
        if name in snapshot.services:
            snapshot.services[name].take(message)
        for service in self._old_services:
            if service.name == name:
                service.take(message)
        breaker = snapshot.breakers.get(name)
        if breaker is not None:
            breaker.take(message)

    def _report(self, message: Pushed) -> None:
        """A service of this process has noticed something, and acts on it already."""
        self.state.take(message)
        self.tell(message)

    def _counter(self, service: str) -> Callable[[str], None]:
        return self.metrics.service(service).count

    def _middleware_counter(self, name: str) -> Callable[[str], None]:
        return self.metrics.middleware(name).count

    async def _ask(self, service: str, request: Request, max_bytes: int) -> Response:
        """What a service of the present configuration answers to a middleware."""
        snapshot = self.snapshot
        if snapshot is None or service not in snapshot.nodes:
            raise NoEndpoint(f'there is no service "{service}"')
        return await ask(snapshot.inner_route(service), request, max_bytes)

    # Letting go...

    def _overtaken(self, entrypoints: Mapping[str, Serving]) -> list[tuple[Connection, Route]]:
        """Exchanges that run on routes of this or an earlier configuration that are no longer in use."""
        found = []
        for entrypoint in (*entrypoints.values(), *self._leaving):
            for connection in entrypoint.gate.connections:
                route = connection.route
                if route is not None and not (self.snapshot and self.snapshot.runs(entrypoint.gate.name, route)):
                    found.append((connection, route))
        return found

    def _let_go(self, entrypoint: Serving, timeout: float) -> None:
        """An entrypoint that is gone answers what it owes in the background."""
        entrypoint.stop(min(PATIENCE, timeout / 2), timeout)
        self._leaving.add(entrypoint)
        self._later(self._drain(entrypoint, timeout), "drain entrypoint")

    async def _drain(self, entrypoint: Serving, seconds: float) -> None:
        await entrypoint.gate.drained(seconds)
        self._leaving.discard(entrypoint)

    def _later(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run `work` in the background; `close` cancels it and waits for its end."""
        task = spawn(work, name)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def drain(self, seconds: float, patience: float = 0.0) -> None:
        """Accept no more, let running exchanges finish within `seconds`, cut what is left. Idle connections are closed
        at once, or, when a successor accepts from the same sockets, once they have been quiet for `patience`."""
        entrypoints = [*self.entrypoints.values(), *self._leaving]
        for entrypoint in entrypoints:
            entrypoint.stop(min(patience, seconds / 2), seconds)
        cut = sum(await asyncio.gather(*(entrypoint.gate.drained(seconds) for entrypoint in entrypoints)))
        if cut:
            _log.warning("connections were cut", extra={"connections": cut, "after_seconds": seconds})

    async def close(self) -> None:
        """End everything at once; call `drain` before where that is wanted."""
        for entrypoint in self.entrypoints.values():
            entrypoint.stop()
        for task in list(self._finishing):
            task.cancel()
        await asyncio.gather(*self._finishing, *self._ending, return_exceptions=True)
        if self.snapshot is not None:
            await self.snapshot.close()
        if self._access_log is not None:
            await self._access_log.close()
        self._sweeper.stop()

    # Telling...

    def reopen_logs(self) -> None:
        """Follow a rotated access log (SIGUSR1)."""
        if self._access_log is not None:
            self._access_log.reopen()

    def in_flight(self) -> dict[str, dict[str, int]]:
        """Requests at each endpoint now, by service and URL; without those where there are none."""
        services = self.snapshot.services.values() if self.snapshot is not None else ()
        self._old_services = [one for one in self._old_services if one.is_needed]
        found: dict[str, dict[str, int]] = {}
        for service in (*services, *self._old_services):
            for url, count in service.in_flight.items():
                counts = found.setdefault(service.name, {})
                counts[url] = counts.get(url, 0) + count
        return found
