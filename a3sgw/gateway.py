"""The gateway as an object: configurations in, snapshots out, entrypoints up and down."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from a3sgw.admin.server import AdminServer
from a3sgw.check import errors, rule_errors
from a3sgw.collection import collection_paused
from a3sgw.config.document import Document
from a3sgw.config.load import Loaded
from a3sgw.config.model import Config
from a3sgw.config.registry import Registry
from a3sgw.config.unsupported import unsupported
from a3sgw.diagnostic import Diagnostic
from a3sgw.entrypoints.http import HttpEntrypoint
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.observe.access_log import CLOSE_TIMEOUT, AccessLog
from a3sgw.observe.exposition import render
from a3sgw.observe.metrics import Metrics
from a3sgw.observe.writer import Target, Writer
from a3sgw.options import SocketAddress
from a3sgw.providers.file import FileProvider
from a3sgw.proxy.gate import Connection
from a3sgw.proxy.observers import counting, logging_to
from a3sgw.retire import Close, retire
from a3sgw.routing.route import Observer, Route
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.steps import take_turns
from a3sgw.sweeper import Sweeper
from a3sgw.tasks import spawn
from a3sgw.version import __version__

_log = logging.getLogger("a3sgw")
_MANY = 500
"""Routers from which on a reload is worth keeping the garbage collector out of."""
State = Literal["new", "starting", "running", "draining", "stopped"]


class Gateway:
    """One gateway in this process.

    `source` is the path of a file or directory, which is watched and reloaded, or a `Config` made by `load_config`.

    >>> gateway = Gateway("gateway.hcl")            # doctest: +SKIP
    >>> await gateway.start()                       # doctest: +SKIP
    >>> await gateway.reload()                      # doctest: +SKIP
    >>> await gateway.shutdown()                    # doctest: +SKIP
    """

    def __init__(self, source: Path | str | Config, applied: Callable[[Config], None] | None = None) -> None:
        """`applied` is told of every configuration once it is in use; it must not raise."""
        self._applied = applied
        self._provider = None if isinstance(source, Config) else FileProvider(Path(source), errors)
        self._given = source if isinstance(source, Config) else None
        self._state: State = "new"
        self._snapshot: Snapshot | None = None
        self._metrics = Metrics()
        self._sweeper = Sweeper()
        self._registry = Registry()
        self._entrypoints: dict[str, HttpEntrypoint] = {}
        self._bound: dict[str, SocketAddress] = {}
        self._access_log: AccessLog | None = None
        self._admin: AdminServer | None = None
        self.admin_address = ""
        """Where the management API listens, with the port in use; empty when there is none."""
        self._problems: tuple[Diagnostic, ...] = ()
        self._warned: tuple[Diagnostic, ...] = ()
        self._applying = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._leaving: set[HttpEntrypoint] = set()
        self._finishing: set[asyncio.Task[object]] = set()
        self._stopped = asyncio.Event()
        self._started_at = 0.0

    def __repr__(self) -> str:
        return f"<Gateway [{self._state}, {len(self._entrypoints)} entrypoints]>"

    # Starting and stopping...

    async def start(self) -> None:
        """Load, open everything and accept; ConfigError or BindError when that cannot be done, and nothing is left
        open. A gateway starts once; RuntimeError after that."""
        if self._state != "new":
            raise RuntimeError(f"this gateway is {self._state}; make a new one")
        self._state = "starting"
        self._sweeper.start()
        try:
            if self._provider is not None:
                await self._apply_loaded(await self._provider.load())
            else:
                await self.apply(self._given or Config())
        except BaseException:
            await self._abandon()
            raise
        self._metrics.last_reload_time = self._started_at = time.time()
        self._metrics.last_reload_success = not self._problems
        self._state = "running"
        # What lives as long as the process need not be looked at by every collection.
        gc.collect()
        gc.freeze()
        if self._provider is not None and self._watches():
            self._watching = spawn(self._watch(), "watch configuration")

    def _watches(self) -> bool:
        file = self.config().providers.file
        return file is None or file.watch

    async def shutdown(self) -> None:
        """Accept no more, let running exchanges finish within `shutdown_timeout_secs`, then close what is left."""
        if self._state in ("draining", "stopped"):
            await self._stopped.wait()
            return
        self._state = "draining"
        async with self._applying:  # what a running reload opens is known before everything is closed
            if self._watching is not None:
                self._watching.cancel()
        timeout = self._snapshot.config.shutdown_timeout_secs if self._snapshot is not None else 0.0
        entrypoints = [*self._entrypoints.values(), *self._leaving]
        for entrypoint in entrypoints:
            entrypoint.stop()
        cut = sum(await asyncio.gather(*(entrypoint.gate.drained(timeout) for entrypoint in entrypoints)))
        if cut:
            _log.warning("connections were cut at the end of shutdown_timeout_secs", extra={"connections": cut})
        await self._abandon()

    async def _abandon(self) -> None:
        for entrypoint in self._entrypoints.values():
            entrypoint.stop()
        for task in list(self._finishing):
            task.cancel()
        await asyncio.gather(*self._finishing, return_exceptions=True)
        if self._admin is not None:
            await self._admin.close()
        if self._snapshot is not None:
            await self._snapshot.close()
        if self._access_log is not None:
            await self._access_log.close()
        if self._provider is not None:
            self._provider.close()
        self._sweeper.stop()
        self._state = "stopped"
        self._stopped.set()

    async def wait_for_shutdown(self) -> None:
        """Return once `shutdown` has finished."""
        await self._stopped.wait()

    # Configuring...

    async def reload(self, config: Config | None = None) -> bool:
        """Take `config`, or read the files again; False when the old configuration stays because the new one is bad."""
        try:
            if config is not None:
                await self.apply(config)
            elif self._provider is not None:
                await self._apply_loaded(await self._provider.load())
            else:
                await self.apply(self._given or Config())
        except GatewayError as error:
            self._refused(error)
            return False
        self._reloaded()
        return True

    async def _watch(self) -> None:
        assert self._provider is not None
        async for loaded in self._provider.watch():
            try:
                await self._apply_loaded(loaded)
            except GatewayError as error:
                self._refused(error)
            except Exception as error:  # a bug must not end the watch: the next edit may do without it
                _log.error("a reload failed", exc_info=error)
                self._refused(GatewayError(f"the reload failed: {type(error).__name__}: {error}"))
            else:
                self._reloaded()

    def _reloaded(self) -> None:
        """A new configuration is in use; files that were left out of it make it a failure all the same."""
        self._metrics.reloaded(not self._problems, time.time())
        _log.info("configuration reloaded", extra=self._sizes())

    def _refused(self, error: GatewayError) -> None:
        self._metrics.reloaded(False, time.time())
        diagnostics = error.diagnostics if isinstance(error, ConfigError) else ()
        self._problems = diagnostics or (Diagnostic("error", None, str(error)),)
        for one in self._problems:
            _log.error("configuration refused, the old one stays: %s", _told(one))

    async def _apply_loaded(self, loaded: Loaded) -> None:
        if loaded.config is None:
            raise ConfigError([*(loaded.errors or loaded.diagnostics), *rule_errors(loaded)])
        await self.apply(loaded.config, loaded.document)
        self._problems = loaded.errors  # files that were left out, while the rest is in effect
        for one in loaded.diagnostics:
            if one not in self._warned:
                _log.log(logging.ERROR if one.severity == "error" else logging.WARNING, "%s", _told(one))
        self._warned = loaded.diagnostics

    async def apply(self, config: Config, document: Document | None = None) -> None:
        """Compile, open what is new, swap, let go of what is old. Until the swap nothing running is touched, and what
        was opened is closed again when something fails."""
        later = unsupported(Loaded(config, (), document or Document()), self._registry)
        if later:
            raise ConfigError(later)
        async with self._applying, AsyncExitStack() as undo:
            if self._state not in ("starting", "running"):
                raise GatewayError(f"the gateway is {self._state}")
            log, output = self._open_log(config, undo)
            directory = self._provider.directory if self._provider is not None else None
            parts = Parts(self._sweeper, lambda *names: self._observers(log, *names), self._registry, directory, log)
            previous = self._snapshot
            with collection_paused() if len(config.routers) > _MANY else nullcontext():
                snapshot = await take_turns(Snapshot.steps(config, parts, previous, document))
            await snapshot.open(previous, document)
            undo.push_async_callback(snapshot.close, previous)
            opened = await self._listen(config, snapshot, undo)
            admin = await self._open_admin(config, undo)
            undo.pop_all()
            self._swap(config, snapshot, opened, _Outputs(log, output, *admin))
        if self._applied is not None:
            self._applied(config)

    def _open_log(self, config: Config, undo: AsyncExitStack) -> tuple[AccessLog | None, Writer | None]:
        """The access log of this configuration, and the output it has to move to."""
        options = config.access_log
        if not options.enabled:
            return None, None
        if self._access_log is not None and options.file == self.config().access_log.file:
            return self._access_log, None
        target: Target = Path(options.file) if options.file else "stdout"
        try:
            if self._access_log is None:
                log = AccessLog(target, self._metrics.lose)
                undo.push_async_callback(log.close)
                return log, None
            output = Writer(target)
        except OSError as error:
            problem = f"cannot write the access log to {options.file}: {error.strerror or error}"
            raise ConfigError([Diagnostic("error", None, problem, "check the path and its permissions")]) from None
        undo.callback(output.close, 0.0)
        return self._access_log, output

    async def _listen(self, config: Config, snapshot: Snapshot, undo: AsyncExitStack) -> dict[str, HttpEntrypoint]:
        """Entrypoints that are new or have a new address; where only the name of an address changes, its sockets stay
        open and no client is turned away."""
        opened: dict[str, HttpEntrypoint] = {}
        holders = {address: self._entrypoints[name] for name, address in self._bound.items()}
        for name, options in config.entrypoints.items():
            if self._bound.get(name) == options.address:
                continue
            entrypoint = opened[name] = HttpEntrypoint(name, self._sweeper, self._metrics.entrypoint(name))
            undo.callback(entrypoint.stop)
            entrypoint.gate.apply(options, snapshot.tables[name])
            holder = holders.get(options.address)
            if holder is not None:
                await entrypoint.take_over(holder)
            else:
                await entrypoint.listen(options.address)
        return opened

    async def _open_admin(self, config: Config, undo: AsyncExitStack) -> tuple[AdminServer | None, str]:
        address = str(config.admin.address) if config.admin is not None else ""
        if not address:
            return None, ""
        if self._admin is not None and self._admin.address == address:
            return self._admin, self.admin_address
        admin = AdminServer(_View(self), address)
        undo.push_async_callback(admin.close)
        return admin, await admin.open()

    def _swap(self, config: Config, snapshot: Snapshot, opened: dict[str, HttpEntrypoint], outputs: _Outputs) -> None:
        """Plain assignments with no await between them: no request sees half of a configuration."""
        previous, old_entrypoints, old_admin = self._snapshot, self._entrypoints, self._admin
        self._entrypoints = {name: opened.get(name) or old_entrypoints[name] for name in config.entrypoints}
        self._bound = {name: options.address for name, options in config.entrypoints.items()}
        for name, options in config.entrypoints.items():
            self._entrypoints[name].gate.apply(options, snapshot.tables[name])
        self._snapshot = snapshot
        self._metrics.forget(snapshot.names())
        self._problems = ()
        self._admin, self.admin_address = outputs.admin, outputs.admin_address
        close: list[Close] = []
        old_log, self._access_log = self._access_log, outputs.log
        if old_log is not None and outputs.log is None:
            close.append(old_log.close)
        if old_log is not None and outputs.output is not None:
            self._later(asyncio.to_thread(old_log.move(outputs.output).close, CLOSE_TIMEOUT), "close old access log")
        if old_admin is not None and old_admin is not outputs.admin:
            self._later(old_admin.close(), "close old admin server")
        if previous is not None:
            previous.close_services(snapshot)
            close.insert(0, partial(previous.close_middlewares, snapshot))
            close.append(lambda: take_turns(previous.dismantle(snapshot)))
            self._later(retire(self._overtaken(old_entrypoints), close), "let go of the old snapshot")
        for name, entrypoint in old_entrypoints.items():
            if self._entrypoints.get(name) is not entrypoint:
                self._let_go(entrypoint, config.shutdown_timeout_secs)

    def _overtaken(self, entrypoints: Mapping[str, HttpEntrypoint]) -> list[tuple[Connection, Route]]:
        """Exchanges that run on routes of this or an earlier configuration that are no longer in use."""
        found = []
        for entrypoint in (*entrypoints.values(), *self._leaving):
            for connection in entrypoint.gate.connections:
                route = connection.route
                if route is not None and not (self._snapshot and self._snapshot.runs(entrypoint.gate.name, route)):
                    found.append((connection, route))
        return found

    def _let_go(self, entrypoint: HttpEntrypoint, timeout: float) -> None:
        """An entrypoint that is gone answers what it owes in the background."""
        entrypoint.stop()
        self._leaving.add(entrypoint)
        self._later(self._drain(entrypoint, timeout), "drain entrypoint")

    async def _drain(self, entrypoint: HttpEntrypoint, seconds: float) -> None:
        await entrypoint.gate.drained(seconds)
        self._leaving.discard(entrypoint)

    def _later(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run `work` in the background; stopping the gateway cancels it and waits for its end."""
        task = spawn(work, name)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def _observers(self, log: AccessLog | None, entrypoint: str, router: str, service: str) -> tuple[Observer, ...]:
        count = counting(self._metrics.route(entrypoint, router, service))
        return (count,) if log is None else (count, logging_to(log, entrypoint, router, service))

    # Telling...

    @property
    def addresses(self) -> dict[str, list[str]]:
        """What each entrypoint really listens on: port 0 has become a real one."""
        return {name: entrypoint.addresses for name, entrypoint in self._entrypoints.items()}

    def state(self) -> State:
        """Where in its life it is."""
        return self._state

    def ready(self) -> bool:
        """Whether new traffic should be sent here."""
        return self._state == "running"

    def config(self) -> Config:
        """The configuration in use."""
        return self._snapshot.config if self._snapshot is not None else Config()

    def metrics(self) -> Metrics:
        """The counters themselves."""
        return self._metrics

    def health(self) -> dict[str, Any]:
        """State, entrypoints, services and the last reload, JSON-ready."""
        running = self._state == "running"
        return {
            "status": ("degraded" if self._problems else "healthy") if running else self._state,
            "version": __version__,
            "uptime_seconds": round(time.time() - self._started_at, 3) if self._started_at else 0.0,
            "entrypoints": {
                name: {"addresses": one.addresses, "connections": len(one.gate.connections)}
                for name, one in self._entrypoints.items()
            },
            "services": {
                name: [{"url": one.url, "weight": one.weight, "in_flight": one.in_flight} for one in service.endpoints]
                for name, service in (self._snapshot.services.items() if self._snapshot is not None else ())
            },
            "config": {
                "last_reload_success": self._metrics.last_reload_success,
                "last_reload_time": self._metrics.last_reload_time,
                "reloads": dict(self._metrics.reloads),
            },
        }

    def metrics_text(self) -> bytes:
        """Prometheus text; may be called from a thread."""
        return render(self._metrics, __version__)

    def masked_config(self) -> dict[str, Any]:
        """The configuration in use, JSON-ready, secrets masked."""
        return self.config().model_dump(mode="json")

    def problems(self) -> Sequence[Diagnostic]:
        """Why the last reload failed or which files were left out; empty when all is well."""
        return self._problems

    def reopen_logs(self) -> None:
        """Follow a rotated access log (SIGUSR1)."""
        if self._access_log is not None:
            self._access_log.reopen()

    def _sizes(self) -> dict[str, int]:
        config = self.config()
        return {
            "entrypoints": len(config.entrypoints),
            "routers": len(config.routers),
            "services": len(config.services),
            "middlewares": len(config.middlewares),
        }


@dataclass(frozen=True)
class _Outputs:
    """What a configuration opened besides entrypoints."""

    log: AccessLog | None
    output: Writer | None
    """Where a log that goes on has to move to."""
    admin: AdminServer | None
    admin_address: str


class _View:
    """The gateway as the management API sees it."""

    def __init__(self, gateway: Gateway) -> None:
        self.health = gateway.health
        self.ready = gateway.ready
        self.metrics_text = gateway.metrics_text
        self.config = gateway.masked_config
        self._gateway = gateway

    def problems(self) -> list[dict[str, Any]]:
        """JSON-ready diagnostics."""
        return [
            {"severity": one.severity, "place": str(one.place or ""), "summary": one.summary, "help": one.help}
            for one in self._gateway.problems()
        ]


def _told(one: Diagnostic) -> str:
    """A diagnostic as a log message; the level is the log's own."""
    return f"{f'{one.place}: ' if one.place else ''}{one.summary}{f' ({one.help})' if one.help else ''}"
