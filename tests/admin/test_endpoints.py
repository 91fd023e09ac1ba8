"""The management API on a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from a3sgw.admin.endpoints import Endpoints
from a3sgw.admin.server import AdminServer
from a3sgw.errors import GatewayError
from a3sgw.observe.exposition import render
from a3sgw.observe.metrics import Metrics
from a3sgw.web import Answer, HttpClient

URL = "http://10.0.0.7:80"
ENDPOINTS = "/api/gateway/endpoints"


class View:
    """A gateway as the management API sees it, with one endpoint."""

    def __init__(self) -> None:
        self.draining = False
        self.refreshed = 0
        self.diagnostics: list[dict[str, Any]] = []
        self.told: list[tuple[str, str, object]] = []
        """What it was told of endpoints: (service, URL, draining or weight)."""
        self.endpoint: dict[str, Any] = {"url": URL, "draining": False, "weight": 1}

    async def refresh(self) -> None:
        self.refreshed += 1

    def health(self) -> dict[str, Any]:
        return {
            "status": "draining" if self.draining else "healthy",
            "entrypoints": {"web": {"open": 1}},
            "services": {"api": [self.endpoint]},
        }

    def ready(self) -> bool:
        return not self.draining

    def metrics_text(self) -> bytes:
        return render(Metrics())

    def config(self) -> dict[str, Any]:
        return {"middlewares": {"auth": {"value": "•••"}}}

    def drain(self, service: str, url: str, draining: bool) -> str:
        self._tell(service, url, draining)
        self.endpoint["draining"] = draining
        return URL

    def weigh(self, service: str, url: str, weight: int) -> str:
        self._tell(service, url, weight)
        self.endpoint["weight"] = weight if weight >= 0 else 1
        return URL

    def _tell(self, service: str, url: str, what: object) -> None:
        if service != "api" or url not in URL:
            raise GatewayError(f"there is no {service} {url}")
        self.told.append((service, url, what))

    def problems(self) -> list[dict[str, Any]]:
        return self.diagnostics


class Client:
    """Asks one server."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = HttpClient()

    async def ask(self, path: str, method: str = "GET", host: str | None = None, body: bytes | None = None) -> Answer:
        headers = [("Host", host)] if host else []
        return await self.http.request(method, self.base + path, headers, body, timeout=10, max_bytes=1 << 20)

    async def json(self, path: str, body: object = None) -> tuple[int, Any]:
        """The answer to a GET, or to a POST with a body: bytes, or a value to be sent as JSON."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = await self.ask(path, "GET" if body is None else "POST", body=sent)
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
        "/api/gateway/endpoints",
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


# Endpoints of services...


async def test_endpoints_of_services(client: Client, view: View) -> None:
    """What is known of each, by service, as it is now in all processes."""
    assert await client.json(ENDPOINTS) == (200, {"api": [view.endpoint]})
    assert view.refreshed == 1


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"draining": True}, [True]),
        ({"draining": False}, [False]),
        ({"weight": 0}, [0]),
        ({"weight": 65535}, [65535]),
        ({"weight": None}, [-1]),
        ({"weight": 2, "draining": True}, [2, True]),
    ],
    ids=str,
)
async def test_changes(client: Client, view: View, wanted: dict[str, object], told: list[object]) -> None:
    """The gateway is told what was asked for and nothing else; the answer is what is known afterwards."""
    status, answer = await client.json(ENDPOINTS, {"service": "api", "url": "10.0.0.7:80", **wanted})
    assert [one for _, _, one in view.told] == told
    assert (status, answer) == (200, view.endpoint)
    assert view.refreshed == 1


async def test_changes_are_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Who reads the log finds out who did what."""
    with caplog.at_level("INFO", "a3sgw.admin"):
        await client.json(ENDPOINTS, {"service": "api", "url": URL, "draining": True})
    (record,) = (one for one in caplog.records if one.name == "a3sgw.admin")
    assert record.getMessage() == "an operator has changed an endpoint"
    assert (record.__dict__["service"], record.__dict__["endpoint"]) == ("api", URL)
    assert '"draining": true' in record.__dict__["change"]
    assert record.__dict__["peer"] == "127.0.0.1"


@pytest.mark.parametrize(("service", "url"), [("apy", URL), ("api", "http://10.0.0.9:80")])
async def test_changes_of_what_is_not_there(client: Client, view: View, service: str, url: str) -> None:
    """404 with the gateway's own words."""
    status, answer = await client.json(ENDPOINTS, {"service": service, "url": url, "draining": True})
    assert status == 404
    assert answer["error"]["message"] == f"there is no {service} {url}"
    assert view.told == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"draining",
        b"[]",
        b"\xff",
        b'{"service": "api\xff", "url": "u", "weight": 1}',
        b'{"service": "api\\ud800", "url": "u", "weight": 1}',
        {"service": "api", "url": URL},
        {"service": "api", "draining": True},
        {"service": "api", "url": URL, "draining": "yes"},
        {"service": "api", "url": URL, "draining": None},
        {"service": "api", "url": URL, "weight": -1},
        {"service": "api", "url": URL, "weight": 65536},
        {"service": "api", "url": URL, "weight": 1.5},
        {"service": "api", "url": URL, "weight": True},
        {"service": "api", "url": URL, "drainnig": True, "weight": 1},
    ],
    ids=str,
)
async def test_changes_that_cannot_be_read(client: Client, view: View, body: object) -> None:
    """400 with an example, and nothing is done, also where only one key of several is misspelt."""
    status, answer = await client.json(ENDPOINTS, body)
    assert status == 400
    assert answer["error"]["message"].endswith(
        'send {"service": "api", "url": "http://10.0.0.7:8080", "draining": true}'
    )
    assert view.told == []


async def test_changes_are_nothing_for_a_web_page(client: Client, view: View) -> None:
    """A page of another origin cannot drain an endpoint with the browser of an operator."""
    body = json.dumps({"service": "api", "url": URL, "draining": True}).encode()
    headers = [("Origin", "http://evil.example"), ("Content-Type", "text/plain")]
    answer = await client.http.request("POST", client.base + ENDPOINTS, headers, body, timeout=10, max_bytes=1 << 20)
    assert answer.status == 403
    assert view.told == []
