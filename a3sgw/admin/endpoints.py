"""The endpoints of the management API, each a short handler over a `GatewayView`."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any, Protocol

from a3sgw.encoding import UNSET, DecodeError, Meta, Struct, UnsetType, json
from a3sgw.errors import GatewayError
from a3sgw.observe.exposition import CONTENT_TYPE
from a3sgw.web import Routes, WebRequest, WebResponse, error_response, json_response

_log = logging.getLogger("a3sgw.admin")
_EXAMPLE = '{"service": "api", "url": "http://10.0.0.7:8080", "draining": true}'


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

    def drain(self, service: str, url: str, draining: bool) -> str:
        """Give an endpoint no new clients, or new ones again; its URL as it is known. GatewayError for unknown ones."""
        ...

    def weigh(self, service: str, url: str, weight: int) -> str:
        """Use another weight, -1 for the configured one; its URL as it is known. GatewayError for unknown ones."""
        ...

    def problems(self) -> list[dict[str, Any]]:
        """The diagnostics of the last reload if it failed, JSON-ready; empty otherwise."""
        ...


class Change(Struct, forbid_unknown_fields=True):
    """What an operator wants of an endpoint."""

    service: str
    url: str
    draining: bool | UnsetType = UNSET
    weight: Annotated[int, Meta(ge=0, le=65535)] | UnsetType | None = UNSET


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
        return {
            **{("GET", path): handler for path, handler in handlers.items()},
            ("GET", "/api/gateway/endpoints"): self.endpoints,
            ("POST", "/api/gateway/endpoints"): self.change,
        }

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

    async def endpoints(self, _: WebRequest) -> WebResponse:
        """What is known of every endpoint, by service."""
        await self._view.refresh()
        return json_response(self._view.health()["services"])

    async def change(self, request: WebRequest) -> WebResponse:
        """Drain an endpoint, enable it again, or give it another weight (null: the configured one)."""
        try:
            wanted = json.decode(request.body, type=Change)
        except (DecodeError, UnicodeDecodeError) as error:  # the latter for text that is no UTF-8
            return error_response(400, f"{error}; send {_EXAMPLE}")
        if isinstance(wanted.draining, UnsetType) and isinstance(wanted.weight, UnsetType):
            return error_response(400, f"say what to change: send {_EXAMPLE}")
        try:
            url = wanted.url
            if not isinstance(wanted.weight, UnsetType):
                url = self._view.weigh(wanted.service, url, -1 if wanted.weight is None else wanted.weight)
            if not isinstance(wanted.draining, UnsetType):
                url = self._view.drain(wanted.service, url, wanted.draining)
        except GatewayError as error:
            return error_response(404, str(error))
        _log.info(
            "an operator has changed an endpoint",
            extra={"service": wanted.service, "endpoint": url, "change": request.body.decode(), "peer": request.peer},
        )
        await self._view.refresh()
        shown = self._view.health()["services"][wanted.service]
        return json_response(next(one for one in shown if one["url"] == url))

    async def problems(self, _: WebRequest) -> WebResponse:
        """Why the last reload failed, if it did."""
        problems = self._view.problems()
        return json_response({"config_last_reload_success": not problems, "problems": problems})
