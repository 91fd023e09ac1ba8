"""The management API on a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from a3sgw.admin.endpoints import Endpoints
from a3sgw.admin.server import AdminServer
from a3sgw.observe.exposition import render
from a3sgw.observe.metrics import Metrics
from a3sgw.web import Answer, HttpClient


class View:
    """A gateway as the management API sees it."""

    def __init__(self) -> None:
        self.draining = False
        self.refreshed = 0
        self.diagnostics: list[dict[str, Any]] = []

    async def refresh(self) -> None:
        self.refreshed += 1

    def health(self) -> dict[str, Any]:
        return {"status": "draining" if self.draining else "healthy", "entrypoints": {"web": {"open": 1}}}

    def ready(self) -> bool:
        return not self.draining

    def metrics_text(self) -> bytes:
        return render(Metrics())

    def config(self) -> dict[str, Any]:
        return {"middlewares": {"auth": {"value": "•••"}}}

    def problems(self) -> list[dict[str, Any]]:
        return self.diagnostics


class Client:
    """Asks one server."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = HttpClient()

    async def ask(self, path: str, method: str = "GET", host: str | None = None) -> Answer:
        headers = [("Host", host)] if host else []
        return await self.http.request(method, self.base + path, headers, timeout=10, max_bytes=1 << 20)

    async def json(self, path: str) -> tuple[int, Any]:
        answer = await self.ask(path)
        assert answer.get(b"content-type") == b"application/json"
        return answer.status, json.loads(answer.body)


@pytest.fixture
def view() -> View:
    """A healthy gateway."""
    return View()


@pytest.fixture
async def client(view: View) -> AsyncIterator[Client]:
    """A client of a management server that shows `view`."""
    server = AdminServer(view, "127.0.0.1:0")
    made = Client("http://" + await server.open())
    await made.http.open()
    yield made
    await made.http.close()
    await server.close()


def test_endpoints_are_those_of_the_contract(view: View) -> None:
    """Operators and orchestrators rely on these paths."""
    assert {path for _, path in Endpoints(view).routes()} == {
        "/api/gateway/health",
        "/api/gateway/metrics",
        "/api/gateway/config",
        "/api/gateway/problems",
        "/health",
        "/health/detailed",
        "/health/ready",
        "/ready",
        "/metrics",
    }


async def test_health(client: Client, view: View) -> None:
    """The short form says that the process lives, the long forms say everything."""
    assert await client.json("/health") == (200, {"status": "healthy"})
    assert await client.json("/health/detailed") == (200, view.health())
    assert await client.json("/api/gateway/health") == (200, view.health())


async def test_draining_is_not_ready_but_alive(client: Client, view: View) -> None:
    """A draining gateway asks for no new traffic, and is not killed for it."""
    assert await client.json("/ready") == (200, {"ready": True})
    view.draining = True
    assert await client.json("/ready") == (503, {"ready": False})
    assert await client.json("/health/ready") == (503, {"ready": False})
    assert await client.json("/health") == (200, {"status": "draining"})


@pytest.mark.parametrize("path", ["/metrics", "/api/gateway/metrics"])
async def test_metrics(client: Client, path: str) -> None:
    """Metrics are Prometheus text under both paths."""
    answer = await client.ask(path)
    assert b"a3sgw_config_last_reload_success 1.0\n" in answer.body
    assert (answer.get(b"content-type") or b"").startswith(b"text/plain; version=0.0.4")


async def test_config_and_problems(client: Client, view: View) -> None:
    """The configuration in use is shown, and why a newer one is not."""
    assert await client.json("/api/gateway/config") == (200, view.config())
    assert await client.json("/api/gateway/problems") == (200, {"config_last_reload_success": True, "problems": []})
    view.diagnostics = [{"summary": 'unknown service "backnd"', "place": "gateway.hcl:3:5"}]
    status, shown = await client.json("/api/gateway/problems")
    assert (status, shown) == (200, {"config_last_reload_success": False, "problems": view.diagnostics})


async def test_head_unknown_and_wrong_method(client: Client) -> None:
    """HEAD is GET without the body; the rest are JSON errors."""
    head = await client.ask("/health", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert int(head.get(b"content-length") or 0) > 0
    assert (await client.json("/nothing"))[0] == 404
    assert (await client.ask("/health", "POST")).status == 405
