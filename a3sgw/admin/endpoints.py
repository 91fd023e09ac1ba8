"""The endpoints of the management API, each a short handler over a `GatewayView`."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from a3sgw.observe.exposition import CONTENT_TYPE
from a3sgw.web import Routes, WebRequest, WebResponse, json_response


class GatewayView(Protocol):
    """The side of a gateway that the management API shows."""

    async def refresh(self) -> None:
        """Bring figures that come from other processes up to date."""
        ...

    def health(self) -> dict[str, Any]:
        """JSON-ready state of the whole gateway; ``status`` is "healthy", "degraded", "draining" …"""
        ...

    def ready(self) -> bool:
        """Whether new traffic should be sent here: all entrypoints accept and nothing drains."""
        ...

    def metrics_text(self) -> bytes:
        """Prometheus text; called from a thread, so that a long one does not hold up traffic."""
        ...

    def config(self) -> dict[str, Any]:
        """The configuration in use, JSON-ready, secrets already masked."""
        ...

    def problems(self) -> list[dict[str, Any]]:
        """The diagnostics of the last reload if it failed, JSON-ready; empty otherwise."""
        ...


class Endpoints:
    """Handlers bound to one gateway."""

    def __init__(self, view: GatewayView) -> None:
        self._view = view

    def routes(self) -> Routes:
        """Every (method, path) this API answers."""
        handlers = {
            "/api/gateway/health": self.health,
            "/api/gateway/metrics": self.metrics,
            "/api/gateway/config": self.config,
            "/api/gateway/problems": self.problems,
            "/health": self.alive,
            "/health/detailed": self.health,
            "/health/ready": self.ready,
            "/ready": self.ready,
            "/metrics": self.metrics,
        }
        return {("GET", path): handler for path, handler in handlers.items()}

    async def alive(self, _: WebRequest) -> WebResponse:
        """The process answers: 200 for as long as it does, so that an orchestrator does not kill a draining one."""
        return json_response({"status": self._view.health().get("status", "healthy")})

    async def health(self, _: WebRequest) -> WebResponse:
        """Everything the gateway knows about its health."""
        await self._view.refresh()
        return json_response(self._view.health())

    async def ready(self, _: WebRequest) -> WebResponse:
        """200 while new traffic is welcome, 503 before the start is complete and while draining."""
        ready = self._view.ready()
        return json_response({"ready": ready}, 200 if ready else 503)

    async def metrics(self, _: WebRequest) -> WebResponse:
        """Prometheus text, rendered in a thread."""
        await self._view.refresh()
        text = await asyncio.to_thread(self._view.metrics_text)
        return WebResponse(200, text, CONTENT_TYPE)

    async def config(self, _: WebRequest) -> WebResponse:
        """The configuration in use."""
        return json_response(self._view.config())

    async def problems(self, _: WebRequest) -> WebResponse:
        """Why the last reload failed, if it did."""
        problems = self._view.problems()
        return json_response({"config_last_reload_success": not problems, "problems": problems})
