"""One connection on each side of a gateway, without sockets: bytes in, bytes out."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path
from time import thread_time
from typing import Any

from a3sgw.config.load import Loader
from a3sgw.config.registry import Registry
from a3sgw.observe.access_log import AccessLog
from a3sgw.observe.metrics import Metrics
from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.observers import counting, logging_to
from a3sgw.shared.table import SharedTable
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from a3sgw.upstream.connection import Upstream

HCL = """
entrypoints "web" {{ address = "127.0.0.1:0" }}
routers "all" {{
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = [{names}]
}}
services "app" {{
  load_balancer {{ servers = [{{ url = "http://127.0.0.1:9000" }}] }}
}}
{blocks}
"""
ANSWER = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Sink:
    """A transport that keeps the last thing written."""

    def __init__(self) -> None:
        self.last = b""

    def write(self, data: bytes) -> None:
        self.last = data

    def writelines(self, pieces: list[bytes]) -> None:
        self.last = b"".join(pieces)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Lane:
    """A gateway with one route through these middlewares, options by kind.

    `declared` are in the configuration, but not on the route; with `waits` each request gets a turn of the loop.
    """

    def __init__(
        self, middlewares: dict[str, str], *, declared: dict[str, str] | None = None, waits: bool = False
    ) -> None:
        self.best = inf
        self.waits = waits
        registry = Registry({"waits": "benchmarks.middlewares.waits"})
        texts = {**middlewares, **(declared or {})}.items()
        blocks = "".join(f'middlewares "{kind}" {{\n  type = "{kind}"\n  {text}\n}}\n' for kind, text in texts)
        names = ", ".join(f'"{name}"' for name in middlewares)
        loaded = Loader(registry=registry).load_text(HCL.format(names=names, blocks=blocks), "lane.hcl")
        if loaded.config is None:
            raise SystemExit("\n".join(map(str, loaded.errors)))
        metrics, sweeper = Metrics(), Sweeper()
        sweeper.start()
        log = AccessLog(Path("/dev/null"), metrics.lose)

        def observe(entrypoint: str, router: str, service: str, careful: bool) -> tuple[Any, ...]:
            names = (entrypoint, router, service)
            return counting(metrics.route(*names)), logging_to(log, *names, careful)

        self._table = SharedTable.create()
        parts = Parts(sweeper, observe, registry, None, log, self._table)
        self.snapshot = Snapshot.compile(loaded.config, parts)
        gate = Gate("web", sweeper, metrics.entrypoint("web"))
        gate.apply(loaded.config.entrypoints["web"], self.snapshot.tables["web"])
        self._downstream, self.client = Downstream(gate), Sink()
        self._downstream.connection_made(self.client)  # type: ignore[arg-type]
        pool = next(iter(self.snapshot.services["app"].endpoints)).pool
        self._upstream, self.endpoint = Upstream(pool, sweeper), Sink()
        self._upstream.connection_made(self.endpoint)  # type: ignore[arg-type]
        pool.give(self._upstream, None)

    async def round(self, request: bytes, count: int = 500) -> None:
        """Send so many requests; `best` is the cheapest round so far, in microseconds of CPU time per request."""
        asked, answered = self._downstream.data_received, self._upstream.data_received
        began = thread_time()
        if self.waits:
            for _ in range(count):
                self.endpoint.last = b""
                asked(request)
                while not self.endpoint.last:
                    await asyncio.sleep(0)
                answered(ANSWER)
        else:
            for _ in range(count):
                asked(request)
                answered(ANSWER)
        self.best = min(self.best, (thread_time() - began) / count * 1e6)
        if not self.client.last.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"not 200: {self.client.last[:200]!r}")
