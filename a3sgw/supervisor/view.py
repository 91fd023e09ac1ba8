"""The gateway as the management API sees it: all workers together."""

from __future__ import annotations

from typing import Any, Protocol

from a3sgw.admin.health import health
from a3sgw.caretaker import Caretaker
from a3sgw.config.model import Config
from a3sgw.observe.exposition import WorkerFigures, render
from a3sgw.observe.metrics import Metrics
from a3sgw.reloads import Reloads
from a3sgw.supervisor.crew import Crew
from a3sgw.supervisor.usage import usage
from a3sgw.version import __version__


class Shown(Protocol):
    """What a supervisor shows of itself."""

    started_at: float
    """Seconds since the epoch, 0 before the start is complete."""

    @property
    def state(self) -> str:
        """Where in its life it is."""
        ...

    @property
    def alive(self) -> bool:
        """Whether somebody accepts connections."""
        ...

    @property
    def config(self) -> Config:
        """The configuration in use."""
        ...

    @property
    def addresses(self) -> dict[str, list[str]]:
        """What each entrypoint really listens on."""
        ...

    def in_flight(self, service: str) -> dict[str, int]:
        """Requests at each endpoint of a service now, by URL."""
        ...


class View:
    """Implements `GatewayView`."""

    def __init__(self, supervisor: Shown, crew: Crew, caretaker: Caretaker, reloads: Reloads, metrics: Metrics) -> None:
        self._supervisor = supervisor
        self._crew = crew
        self._caretaker = caretaker
        self._reloads = reloads
        self._metrics = metrics

    async def refresh(self) -> None:
        """Have every worker report; one that does not within a second is shown as it was."""
        await self._crew.collect()

    def ready(self) -> bool:
        """Whether new traffic should be sent here."""
        return self._supervisor.state == "running" and self._supervisor.alive

    def metrics_text(self) -> bytes:
        """Prometheus text; may be called from a thread."""
        workers = [
            WorkerFigures(str(member.place), member.connections, *usage(member.pid)) for member in self._crew.members
        ]
        replaced = dict(self._crew.replaced)
        endpoints = self._caretaker.endpoints(self._supervisor.in_flight)
        total = self._crew.census.total(self._metrics)
        return render(total, __version__, workers, replaced, endpoints, self._caretaker.breakers())

    def config(self) -> dict[str, Any]:
        """The configuration in use, JSON-ready, secrets masked."""
        return self._supervisor.config.model_dump(mode="json")

    def problems(self) -> list[dict[str, Any]]:
        """Why the last reload failed, JSON-ready; empty when all is well."""
        return self._reloads.told()

    def health(self) -> dict[str, Any]:
        """State, workers, entrypoints, services and the last reload, JSON-ready."""
        supervisor, crew = self._supervisor, self._crew
        members = crew.members
        connections = crew.census.connections()
        document = health(
            self._status(len(members)),
            supervisor.started_at,
            {name: (addresses, connections.get(name, 0)) for name, addresses in supervisor.addresses.items()},
            self._caretaker.endpoints(supervisor.in_flight),
            self._caretaker.breakers(),
            crew.census.total(self._metrics).totals(),
            self._metrics,
        )
        workers = {
            "wanted": crew.size,
            "serving": len(members),
            "replaced": dict(crew.replaced),
            "each": [
                {"worker": one.place, "pid": one.pid, "generation": one.generation, "connections": one.connections}
                for one in members
            ],
        }
        return {**document, "workers": workers}

    def _status(self, serving: int) -> str:
        if self._supervisor.state != "running":
            return self._supervisor.state
        return "degraded" if self._reloads.problems or serving < self._crew.size else "healthy"

    def drain(self, service: str, url: str, draining: bool) -> str:
        """Give an endpoint no new clients, or new ones again; its URL as it is known."""
        return self._caretaker.drain(service, url, draining)

    def weigh(self, service: str, url: str, weight: int) -> str:
        """Use another weight, -1 for the configured one; its URL as it is known."""
        return self._caretaker.weigh(service, url, weight)
