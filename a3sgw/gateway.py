"""The gateway as an object: both planes in the process that made it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

from a3sgw.admin.health import health
from a3sgw.admin.server import AdminServer
from a3sgw.caretaker import Caretaker
from a3sgw.config.document import Document
from a3sgw.config.model import Config
from a3sgw.data_plane import DataPlane
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import GatewayError
from a3sgw.listening import Listening, close
from a3sgw.observe.exposition import render
from a3sgw.observe.metrics import Metrics
from a3sgw.reloads import Reloads
from a3sgw.shared.table import SharedTable
from a3sgw.tasks import spawn
from a3sgw.version import __version__

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
        self._table = SharedTable.create()
        source = source if isinstance(source, Config) else Path(source)
        directory = None if isinstance(source, Config) else source if source.is_dir() else source.parent
        self._plane = DataPlane(self._table, directory)
        self._caretaker = Caretaker(self._plane.state, self._plane.take, directory)
        self._reloads = Reloads(source, self.apply, self._plane.metrics)
        self._listening = Listening()
        self._state: State = "new"
        self._admin: AdminServer | None = None
        self.admin_address = ""
        """Where the management API listens, with the port in use; empty when there is none."""
        self._applying = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._started_at = 0.0

    def __repr__(self) -> str:
        return f"<Gateway [{self._state}, {len(self._plane.entrypoints)} entrypoints]>"

    # Starting and stopping...

    async def start(self) -> None:
        """Load, open everything and accept; ConfigError or BindError when that cannot be done, and nothing is left
        open. A gateway starts once; RuntimeError after that."""
        if self._state != "new":
            raise RuntimeError(f"this gateway is {self._state}; make a new one")
        self._state = "starting"
        self._plane.start()
        try:
            await self._reloads.first()
        except BaseException:
            await self._abandon()
            raise
        self._started_at = time.time()
        self._state = "running"
        self._reloads.watch()

    async def shutdown(self) -> None:
        """Accept no more, let running exchanges finish within `shutdown_timeout_secs`, then close what is left."""
        if self._state in ("draining", "stopped"):
            await self._stopped.wait()
            return
        self._state = "draining"
        async with self._applying:  # what a running reload opens is known before everything is closed
            self._reloads.stop()
        self._listening.close()
        await self._plane.drain(self.config().shutdown_timeout_secs if self._plane.snapshot is not None else 0.0)
        await self._abandon()

    async def _abandon(self) -> None:
        self._listening.close()
        if self._admin is not None:
            await self._admin.close()
        await self._caretaker.close()
        await self._plane.close()
        self._reloads.close()
        self._table.close()
        self._state = "stopped"
        self._stopped.set()

    async def wait_for_shutdown(self) -> None:
        """Return once `shutdown` has finished."""
        await self._stopped.wait()

    # Configuring...

    async def reload(self, config: Config | None = None) -> bool:
        """Take `config`, or read the files again; False when the old configuration stays because the new one is bad."""
        return await self._reloads.again(config)

    async def apply(self, config: Config, document: Document | None = None) -> None:
        """Compile, open what is new, swap, let go of what is old. Until the swap nothing running is touched, and what
        was opened is closed again when something fails."""
        async with self._applying, AsyncExitStack() as undo:
            if self._state not in ("starting", "running"):
                raise GatewayError(f"the gateway is {self._state}")
            opened = await self._listening.open(config)
            undo.callback(close, opened)
            undo.callback(self._caretaker.refused, self._plane.config)
            await self._caretaker.prepare(config)
            sockets = {key: [one.dup() for one in listener.sockets] for key, listener in opened.items()}
            prepared = await self._plane.prepare(config, sockets, document)
            undo.push_async_callback(self._plane.discard, prepared)
            admin, address = await self._open_admin(config)
            undo.pop_all()
            self._plane.commit(prepared)
            self._caretaker.use(config)
            self._listening.swap(config, opened)
        old, self._admin, self.admin_address = self._admin, admin, address
        if old is not None and old is not admin:
            spawn(old.close(), "close old admin server")
        if self._applied is not None:
            self._applied(config)

    async def _open_admin(self, config: Config) -> tuple[AdminServer | None, str]:
        address = str(config.admin.address) if config.admin is not None else ""
        if not address:
            return None, ""
        if self._admin is not None and self._admin.address == address:
            return self._admin, self.admin_address
        admin = AdminServer(_View(self), address)
        return admin, await admin.open()

    # Telling...

    @property
    def addresses(self) -> dict[str, list[str]]:
        """What each entrypoint really listens on: port 0 has become a real one."""
        return {name: entrypoint.addresses for name, entrypoint in self._plane.entrypoints.items()}

    def state(self) -> State:
        """Where in its life it is."""
        return self._state

    def ready(self) -> bool:
        """Whether new traffic should be sent here."""
        return self._state == "running"

    def config(self) -> Config:
        """The configuration in use."""
        return self._plane.config

    def metrics(self) -> Metrics:
        """The counters themselves."""
        return self._plane.metrics

    def health(self) -> dict[str, Any]:
        """State, entrypoints, services and the last reload, JSON-ready."""
        running = self._state == "running"
        return health(
            ("degraded" if self._reloads.problems else "healthy") if running else self._state,
            self._started_at,
            {name: (one.addresses, len(one.gate.connections)) for name, one in self._plane.entrypoints.items()},
            self._endpoints(),
            self._caretaker.breakers(),
            self.metrics().totals(),
            self.metrics(),
        )

    def metrics_text(self) -> bytes:
        """Prometheus text; may be called from a thread."""
        return render(self.metrics(), __version__, (), {}, self._endpoints(), self._caretaker.breakers())

    def _endpoints(self) -> dict[str, list[dict[str, Any]]]:
        in_flight = self._plane.in_flight()
        return self._caretaker.endpoints(lambda service: in_flight.get(service, {}))

    def drain(self, service: str, url: str, draining: bool = True) -> str:
        """Give an endpoint no new clients, or new ones again; returns its URL as it is known. GatewayError when there
        is none."""
        return self._caretaker.drain(service, url, draining)

    def weigh(self, service: str, url: str, weight: int) -> str:
        """Use this weight instead of the configured one, -1 for that again; returns its URL as it is known.
        GatewayError when there is none."""
        return self._caretaker.weigh(service, url, weight)

    def masked_config(self) -> dict[str, Any]:
        """The configuration in use, JSON-ready, secrets masked."""
        return self.config().model_dump(mode="json")

    def problems(self) -> Sequence[Diagnostic]:
        """Why the last reload failed or which files were left out; empty when all is well."""
        return self._reloads.problems

    def reopen_logs(self) -> None:
        """Follow a rotated access log (SIGUSR1)."""
        self._plane.reopen_logs()


class _View:
    """The gateway as the management API sees it."""

    def __init__(self, gateway: Gateway) -> None:
        self.health = gateway.health
        self.ready = gateway.ready
        self.metrics_text = gateway.metrics_text
        self.config = gateway.masked_config
        self.drain = gateway.drain
        self.weigh = gateway.weigh
        self.problems = gateway._reloads.told

    async def refresh(self) -> None:
        """Everything is in this process, and always up to date."""
