"""The control plane over several processes: configuration, sockets, workers, the management API, upgrades."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from a3sgw.admin.server import AdminServer
from a3sgw.caretaker import Caretaker
from a3sgw.check import errors
from a3sgw.config.document import Document
from a3sgw.config.load import Loaded
from a3sgw.config.model import Config
from a3sgw.control.edition import Edition
from a3sgw.control.messages import ReopenLogs
from a3sgw.cores import cores
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.listeners import Listener, adopt, bind, owned
from a3sgw.listening import Listening, close
from a3sgw.observe.counters import RouteKey
from a3sgw.observe.metrics import Metrics
from a3sgw.options import SocketAddress
from a3sgw.proxy.gate import PATIENCE
from a3sgw.reloads import Reloads
from a3sgw.shared.table import SharedTable
from a3sgw.supervisor.births import Births
from a3sgw.supervisor.crew import Crew, Settings
from a3sgw.supervisor.inherited import Inherited
from a3sgw.supervisor.legacy import Heir, Legacy
from a3sgw.supervisor.upgrade import start_successor
from a3sgw.supervisor.view import View
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw")
_COUNTING = 0.2
"""Seconds between two counts of what still runs, for the next version."""
State = Literal["starting", "running", "draining", "stopped"]


class Supervisor:
    """One gateway over a supervisor and its workers. `applied` is told of every configuration that has come into use.

    >>> supervisor = Supervisor(Path("gateway.hcl"), Settings(), Inherited())     # doctest: +SKIP
    >>> await supervisor.start()                                                  # doctest: +SKIP
    >>> await supervisor.shutdown()                                               # doctest: +SKIP
    """

    def __init__(
        self,
        path: Path,
        settings: Settings,
        inherited: Inherited,
        workers: int | Literal["auto", ""] = "",
        applied: Callable[[Config], None] = lambda config: None,
    ) -> None:
        """`workers` takes precedence over the configuration unless it is empty."""
        self._settings = settings
        self._inherited = inherited
        self._workers = workers
        self._applied = applied
        self._metrics = Metrics()
        self._table = _table(inherited)
        self._births = Births(self._ended)
        self._crew = Crew(self._births, self._table, settings)
        self._listening = Listening(inherited.take)
        self._reloads = Reloads(path, self._apply, self._metrics)
        settings.directory = self._reloads.directory
        self._caretaker = Caretaker(self._crew.state, self._crew.push, self._reloads.directory)
        self._generation = 0
        self._applying = asyncio.Lock()
        self._applier: asyncio.Task[Any] | None = None
        self._seconds = 0.0
        """What runs has this long to finish when this ends; of the newest configuration, in use or not."""
        self._admin: AdminServer | None = None
        self._admin_listener: Listener | None = None
        self.admin_address = ""
        """Where the management API listens, with the port in use; empty when there is none."""
        self._state: State = "starting"
        self._upgrading: asyncio.Task[Any] | None = None
        self._heir: Heir | None = None
        self._legacy: Legacy | None = None
        self._counting: asyncio.Task[None] | None = None
        self._hurried = False
        self.started_at = 0.0
        """Seconds since the epoch."""
        self.successor = 0
        """Process id of the version that has taken over, 0 as long as none has."""

    def __repr__(self) -> str:
        return f"<Supervisor [{self._state}, {self._crew!r}]>"

    # Life...

    async def start(self) -> None:
        """Load, bind, start the workers; GatewayError (ConfigError, BindError) when that cannot be done, and nothing
        is left."""
        self._births.start()
        try:
            await self._learn()
            await self._reloads.first()
        except BaseException:
            if self._inherited.table >= 0:  # some may serve already, with clients of the version that goes on
                await self._crew.stop(self._seconds, PATIENCE)
            await self._close()
            raise
        self._inherited.remove_files()
        self._inherited.close()
        self._listening.own(self._inherited.files)
        if self._admin_listener is not None and "admin" in self._inherited.files:
            self._admin_listener = owned(self._admin_listener)
        self.started_at = time.time()
        self._state = "running"
        self._reloads.watch()

    async def _learn(self) -> None:
        """What the version before knows of endpoints; it goes on telling as long as it is there."""
        known = self._inherited.take_known()
        if known is not None:
            self._heir = Heir(known, self._crew.push)
            await self._heir.told()

    async def shutdown(self) -> None:
        """Accept no more, let what runs finish within `shutdown_timeout_secs`, end."""
        self._state = "draining"
        self._reloads.stop()
        for task in (self._upgrading, self._applier):
            if task is not None:  # it closes what it has opened, and nobody waits for what is not wanted any more
                task.cancel()
        async with self._applying:
            pass
        self._listening.close()
        await self._crew.stop(self.config.shutdown_timeout_secs, PATIENCE)
        await self._close()

    async def upgrade(self) -> bool:
        """Start the version installed now and let it take over; True when it has, and this one has ended.

        False when it did not become ready, or one is being started already: then this one goes on.
        """
        if self._upgrading is not None or self._state != "running":
            why = "one is going on" if self._upgrading is not None else f"the gateway is {self._state}"
            _log.warning("no upgrade: %s", why)
            return False
        self._upgrading = asyncio.current_task()
        try:
            async with self._applying:  # the listeners stay as they are
                _log.info("starting the version that is installed now")
                pid = await self._start_successor()
                self._state = "draining"  # an edit that has waited is the successor's
                self._reloads.stop()
        except GatewayError as error:
            _log.error("the upgrade failed, this version goes on: %s", error)
            return False
        finally:
            self._upgrading = None
        _log.info("the new version serves; finishing what runs", extra={"pid": pid})
        self.successor = pid
        return True

    async def _start_successor(self) -> int:
        ours, theirs = socket.socketpair()
        legacy = Legacy(ours, self._crew.state)
        self._counting = spawn(self._count_for(legacy), "count for the next version")
        try:
            with theirs:
                pid = await start_successor(
                    self._listening.bound, self._admin_listener, self._table.descriptor, theirs.fileno()
                )
        except BaseException:
            self._counting.cancel()
            legacy.close()
            raise
        self._legacy = legacy
        return pid

    async def _count_for(self, legacy: Legacy) -> None:
        """Whoever waits for an endpoint at the next version waits for the requests of this one too."""
        while True:
            await self._crew.collect()
            legacy.running(self._crew.census.all_in_flight())
            await asyncio.sleep(_COUNTING)

    def in_flight(self, service: str) -> dict[str, int]:
        """Requests at each endpoint of a service now, by URL; those of the version before included."""
        earlier = self._heir.in_flight.get(service, {}) if self._heir is not None else {}
        counts = self._crew.census.in_flight(service)
        return {url: counts.get(url, 0) + earlier.get(url, 0) for url in (*counts, *earlier)}

    async def hand_over(self) -> None:
        """After an upgrade: finish what runs within `drain_timeout`, and end; the sockets are somebody else's now."""
        if self._admin is not None:
            await self._admin.close()
        self._listening.close(unlink=False)
        if self._admin_listener is not None:
            self._admin_listener.close(unlink=False)
            self._admin_listener = None
        config = self.config
        seconds = config.shutdown_timeout_secs if config.drain_timeout is None else config.drain_timeout
        await self._crew.stop(seconds, PATIENCE)
        await self._close()

    def hurry(self) -> None:
        """Told to end while ending: after an upgrade what runs gets `shutdown_timeout_secs` more, otherwise nothing."""
        seconds = self._seconds if self.successor and not self._hurried else 0.0
        self._hurried = True
        _log.warning("told to end while ending", extra={"timeout_seconds": seconds})
        asyncio.get_running_loop().call_later(seconds, self._crew.end_now)

    async def _close(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
        for told in (self._heir, self._legacy):
            if told is not None:
                told.close()
        await self._caretaker.close()
        await self._crew.stop(0.0, 0.0)
        self._listening.close()
        self._inherited.close()
        if self._admin is not None:
            await self._admin.close()
        if self._admin_listener is not None:
            self._admin_listener.close()
        self._reloads.close()
        self._births.close()
        self._table.close()
        self._state = "stopped"

    # Configuring...

    async def reload(self) -> bool:
        """Read the files again; False when the old configuration stays because the new one is bad."""
        return await self._reloads.again()

    def workers(self, config: Config) -> int:
        """How many workers there are with this configuration."""
        wanted = self._workers or config.workers
        return cores() if wanted == "auto" else int(wanted)

    async def _apply(self, config: Config, document: Document | None) -> None:
        """All workers use `config` from now on, or nothing has changed."""
        async with self._applying, AsyncExitStack() as undo:
            if self._state not in ("starting", "running"):
                raise GatewayError(f"the gateway is {self._state}")
            self._applier = asyncio.current_task()
            undo.callback(self._applied_or_not)
            self._generation += 1
            self._seconds = config.shutdown_timeout_secs
            count = self.workers(config)
            opened = await self._listening.open(config, count)
            undo.callback(close, opened)
            undo.callback(self._caretaker.refused, self.config)
            await self._caretaker.prepare(config)
            admin = await self._open_admin(config, undo)
            edition = Edition(self._generation, config)
            try:
                await self._crew.apply(edition, self._listening.of(config, opened), count)
            except ConfigError as error:
                raise self._placed(error, config, document) from None
            undo.pop_all()
            self._applied_or_not()
            self._listening.swap(config, opened)
            if self._listening.fewest < count or count != self._crew.size:
                self._listening.grow(config, count)
                self._crew.resize(self._listening.bound, count)
            self._crew.census.forget(_names(config))
            self._caretaker.use(config)
        self._use_admin(*admin)
        self._applied(config)

    def _applied_or_not(self) -> None:
        self._applier = None

    def _placed(self, error: ConfigError, config: Config, document: Document | None) -> ConfigError:
        """What the workers refused, with the places that only the control plane knows."""
        if document is None:
            return error
        directory = (self._reloads.directory,) if self._reloads.directory is not None else ()
        found = errors(Loaded(config, (), document, watched=directory))
        return ConfigError(found) if found else error

    # The management API...

    async def _open_admin(
        self, config: Config, undo: AsyncExitStack
    ) -> tuple[AdminServer | None, str, Listener | None]:
        address = config.admin.address if config.admin is not None else None
        if address is None:
            return None, "", None
        if self._admin is not None and self._admin.address == str(address):
            return self._admin, self.admin_address, self._admin_listener
        bound = address if address.path or address.host else SocketAddress("127.0.0.1", address.port)
        inherited = self._inherited.take_admin(address)
        listener = adopt(address, inherited) if inherited else replace(await bind(bound), address=address)
        undo.callback(listener.close)
        admin = AdminServer(View(self, self._crew, self._caretaker, self._reloads, self._metrics), str(address))
        undo.push_async_callback(admin.close)
        return admin, await admin.open([one.dup() for one in listener.sockets]), listener

    def _use_admin(self, admin: AdminServer | None, address: str, listener: Listener | None) -> None:
        old, old_listener = self._admin, self._admin_listener
        self._admin, self.admin_address, self._admin_listener = admin, address, listener
        if old is not None and old_listener is not None and old is not admin:
            old_listener.close()
            spawn(old.close(), "close old admin server")

    # Telling...

    @property
    def state(self) -> State:
        """Where in its life it is."""
        return self._state

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._reloads.config

    @property
    def addresses(self) -> dict[str, list[str]]:
        """What each entrypoint really listens on: port 0 has become a real one."""
        return self._listening.addresses(self.config)

    @property
    def crew(self) -> Crew:
        """The workers."""
        return self._crew

    @property
    def alive(self) -> bool:
        """Whether somebody accepts connections."""
        return bool(self._crew.members)

    def reopen_logs(self) -> None:
        """Have the workers follow rotated logs (SIGUSR1)."""
        self._crew.send(ReopenLogs())

    def _ended(self, pid: int, code: int) -> None:
        self._crew.ended(pid, code)


def _table(inherited: Inherited) -> SharedTable:
    """The table of the version before, so that its counts go on, or a new one where that has another layout."""
    if inherited.table >= 0:
        try:
            return SharedTable.attach(inherited.table, 0)
        except ValueError as error:
            _log.warning("rate limits and counts begin anew: %s", error)
    return SharedTable.create()


def _names(config: Config) -> Iterator[RouteKey]:
    """(entrypoint, router, service) of everything that counts."""
    for entrypoint in config.entrypoints:
        yield entrypoint, "", ""
    for name, router in config.routers.items():
        for entrypoint in router.entrypoints or config.entrypoints:
            yield entrypoint, name, router.service
