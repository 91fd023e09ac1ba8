"""``a3sgw demo``: a running gateway with two echo services of its own and a file to edit."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

from a3sgw.cli.report import table
from a3sgw.errors import BindError, GatewayError
from a3sgw.gateway import Gateway
from a3sgw.loop import run as run_loop
from a3sgw.own_log import OwnLog
from a3sgw.web import WebRequest, WebResponse, WebServer

_EXAMPLE = """\
# The demo's configuration: edit it while the gateway runs, and save.

entrypoints "web" { address = "127.0.0.1:PORT" }

admin { address = "127.0.0.1:0" }

access_log { file = "LOG" }

routers "hello" {
  rule    = "PathPrefix(`/hello`)"
  service = "blue"
}

routers "api" {
  rule        = "PathPrefix(`/api`)"
  service     = "both"
  middlewares = ["strip-api", "marked"]
}

routers "worlds" {
  rule    = "PathPattern(`/worlds/:name`) && Method(`GET`)"
  service = "green"
}

routers "private" {
  rule        = "PathPrefix(`/private`)"
  service     = "green"
  middlewares = ["nobody"]
}

middlewares "strip-api" {
  type     = "strip-prefix"
  prefixes = ["/api"]
}

middlewares "marked" {
  type             = "headers"
  response_headers = { "X-Served-By" = "a3sgw" }
}

middlewares "nobody" {
  type        = "ip-allow"
  allowed_ips = ["192.0.2.0/24"]
}

services "blue" {
  load_balancer { servers = [{ url = "http://BLUE" }] }
}

services "green" {
  load_balancer { servers = [{ url = "http://GREEN" }] }
}

services "both" {
  load_balancer {
    strategy = "weighted"
    servers  = [{ url = "http://BLUE", weight = 3 }, { url = "http://GREEN", weight = 1 }]
  }
}
"""


def run(args: argparse.Namespace) -> int:
    """Write the example, start its two services, and run the gateway on it."""
    with tempfile.TemporaryDirectory(prefix="a3sgw-demo-") as folder:
        directory = args.directory or Path(folder)
        directory.mkdir(parents=True, exist_ok=True)
        return run_loop(_serve(_Demo(directory, args.port)))


async def _serve(demo: _Demo) -> int:
    """One process is enough for a look."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    log = OwnLog()
    try:
        await demo.open()
        gateway = Gateway(demo.config, lambda config: log.follow(config.log))
        await gateway.start()
        demo.started(gateway)
        await stopping.wait()
        await gateway.shutdown()
    except GatewayError as error:
        print(f"a3sgw: {error}", file=sys.stderr)
        return 3 if isinstance(error, BindError) else 1
    finally:
        await demo.close()
        log.flush()
    return 0


class _Demo:
    """The two services and what is printed."""

    def __init__(self, directory: Path, port: int) -> None:
        self.config = directory / "gateway.hcl"
        self._log = directory / "access.log"
        self._port = port
        self._servers: list[WebServer] = []

    async def open(self) -> None:
        """Start the services and write the file, with the addresses they got."""
        blue, green = await self._start("blue"), await self._start("green")
        text = _EXAMPLE.replace("PORT", str(self._port)).replace("LOG", str(self._log))
        text = text.replace("BLUE", blue).replace("GREEN", green)
        await asyncio.to_thread(self.config.write_text, text)

    async def _start(self, colour: str) -> str:
        async def echo(request: WebRequest) -> WebResponse:
            seen = {
                "service": colour,
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "headers": dict(request.headers),
            }
            return WebResponse(200, json.dumps(seen, indent=2).encode() + b"\n", "application/json")

        server = WebServer({}, fallback=echo)
        self._servers.append(server)
        return await server.open("127.0.0.1:0")

    async def close(self) -> None:
        """Stop the services."""
        for server in self._servers:
            await server.close()

    def started(self, gateway: Gateway) -> None:
        """Say what there is to see."""
        base = f"http://{gateway.addresses['web'][0]}"
        rows = [
            (f"curl {base}/hello", "one route, one service: see what an endpoint is told"),
            (f"curl -i {base}/api/items?x=1", "prefix stripped, header added, blue and green 3 : 1"),
            (f"curl {base}/worlds/earth", "a captured path segment"),
            (f"curl -i {base}/private", "403: your address is not in the list"),
            (f"curl -i -H 'Accept: application/json' {base}/nothing", "404, as JSON"),
            (f"curl http://{gateway.admin_address}/health/detailed", "what the gateway says about itself"),
            (f"curl http://{gateway.admin_address}/metrics", "Prometheus metrics"),
        ]
        print(table("Try", rows))
        print(f"\nThe configuration is {self.config}, the access log {self._log}.")
        print("Edit it: change `192.0.2.0/24` to `127.0.0.1`, save, and /private answers; no connection is lost.")
        print("Break it: delete a quote, save: the old configuration stays, and the message says which line.")
        print("Stop with Ctrl-C.", flush=True)
        sys.stdout.flush()
