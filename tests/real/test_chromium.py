"""A browser that opens what stays open: a page over HTTPS with a WebSocket and an event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.gateway import gateway
from tests.support.programs import WAIT, program, started
from tests.support.tls import Authority

PAGE = """<!doctype html><title>live</title><script>
const seen = { socket: [], events: [] };
const tell = () => fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
const done = () => seen.closed && seen.events.length === 3 && tell();
window.onerror = message => { seen.error = message; tell(); };

const socket = new WebSocket(`wss://${location.host}/socket`, "chat");
socket.onopen = () => socket.send("one");
socket.onmessage = event => {
  seen.socket.push(event.data);
  if (seen.socket.length === 1) socket.send("\\u00fc".repeat(100000));
};
socket.onclose = event => { seen.closed = [event.code, event.reason, event.wasClean, socket.protocol]; done(); };

const events = new EventSource("/events");
events.onmessage = event => {
  seen.events.push([event.lastEventId, event.data]);
  if (seen.events.length === 3) { events.close(); done(); }
};
</script>"""
Told = asyncio.Future[dict[str, Any]]


async def page(request: web.Request) -> web.Response:
    """What the browser is sent to."""
    return web.Response(text=PAGE, content_type="text/html")


async def socket(request: web.Request) -> web.WebSocketResponse:
    """Repeats two messages, then says that it is enough."""
    here = web.WebSocketResponse(protocols=("chat",))
    await here.prepare(request)
    for _ in range(2):
        await here.send_str(await here.receive_str())
    await here.close(code=4000, message=b"enough")
    return here


async def events(request: web.Request) -> web.StreamResponse:
    """Two events, then it breaks off: the browser comes back by itself, says what it had last, and gets the third."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    last = int(request.headers.get("Last-Event-ID", 0))
    for number in range(last + 1, 3 if last == 0 else 4):
        await stream.write(f"retry: 1\nid: {number}\ndata: {request.scheme} {number}\n\n".encode())
    return stream


@asynccontextmanager
async def site(told: Told) -> AsyncIterator[str]:
    """Its URL; what the browser has seen is the result of `told`."""

    async def seen(request: web.Request) -> web.Response:
        told.set_result(json.loads(await request.text()))
        return web.Response()

    application = web.Application()
    application.add_routes(
        [
            web.get("/", page),
            web.get("/socket", socket),
            web.get("/events", events),
            web.post("/seen", seen),
        ]
    )
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_page_with_live_connections(authority: Authority, tmp_path: Path) -> None:
    """Messages of both sizes come back over wss, its close code and subprotocol arrive, and events come as they are
    sent, also after a break."""
    told: Told = asyncio.get_running_loop().create_future()
    async with site(told) as url:
        hcl = f"""
        shutdown_timeout_secs = 1
        entrypoints "web" {{
          address = "127.0.0.1:0"
          tls {{
            {authority.issue("127.0.0.1").hcl}
          }}
        }}
        routers "all" {{
          rule    = "PathPrefix(`/`)"
          service = "site"
        }}
        services "site" {{ load_balancer {{ servers = [{{ url = "{url}" }}] }} }}
        """
        async with gateway(hcl) as running:
            options = [
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
                *("--disable-breakpad", "--ignore-certificate-errors", "--no-proxy-server"),
                *(f"--user-data-dir={tmp_path}", f"https://{running.gateway.addresses['web'][0]}/"),
            ]
            async with started(program("chromium", "google-chrome"), *options), asyncio.timeout(WAIT):
                seen = await told
    assert seen == {
        "socket": ["one", "ü" * 100_000],
        "closed": [4000, "enough", True, "chat"],
        "events": [["1", "http 1"], ["2", "http 2"], ["3", "http 3"]],
    }
    upgraded = [record for record in running.records if record["status"] == 101]
    assert [(record["path"], record["tls_version"], record["error"]) for record in upgraded] == [
        ("/socket", "TLSv1.3", "")
    ]
