"""``python -m benchmarks.survival``: ten endpoints under load, one of them killed, stopped, broken and slow in turn.

48 clients send GET and 16 send POST, each 50 times a second at most. The gateway has two workers, probes, ejections
and retries; it is started anew for each fault. A POST that has been sent cannot be repeated, so those that an endpoint
has when it fails are lost; a GET must never be.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.process import Server, free_port
from benchmarks.survival.clients import Clients

ENDPOINTS = 10
_CONFIG = """
workers = 2
entrypoints "web" {{ address = "127.0.0.1:{port}" }}
routers "all" {{
  rule    = "PathPrefix(`/`)"
  service = "app"
}}
services "app" {{
  load_balancer {{
    servers         = [{servers}]
    connect_timeout = "500ms"
    request_timeout = "500ms"
    health_check {{
      interval            = "300ms"
      timeout             = "300ms"
      unhealthy_threshold = 2
      healthy_threshold   = 2
    }}
    passive_health_check {{
      max_failed_attempts = 3
      ejection_time       = "2s"
    }}
  }}
  retries {{
    retry_interval_ms = 5
    statuses          = [500]
  }}
}}
access_log {{ enabled = false }}
"""
_MOODS = ("hanging", "resetting", "breaking the head", "breaking the body", "failing", "slow")
_CPUS = os.sched_getaffinity(0)


class Stage:
    """The endpoints, and the one that gets into trouble."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ports = [free_port() for _ in range(ENDPOINTS)]
        self._servers = [self._start(number) for number in range(ENDPOINTS)]
        for server, port in zip(self._servers, self.ports, strict=True):
            server.wait_until_it_listens(port)

    def _start(self, number: int) -> Server:
        command = [sys.executable, "-m", "benchmarks.survival.endpoint", str(self.ports[number])]
        where = self._directory / f"endpoint{number}"
        where.mkdir(exist_ok=True)
        return Server(command, where, _CPUS, {**os.environ, "PYTHONPATH": str(Path.cwd())})

    def kill(self) -> None:
        """The one is gone."""
        self.send(signal.SIGKILL)

    def restart(self) -> None:
        """And there again."""
        self._servers[0].stop()
        self._servers[0] = self._start(0)
        self._servers[0].wait_until_it_listens(self.ports[0])

    def send(self, number: signal.Signals) -> None:
        """A signal to the one."""
        os.killpg(self._servers[0].pid, number)

    def become(self, mood: str) -> None:
        """Change what the one does."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/become/{mood}", timeout=2).read()

    def close(self) -> None:
        """End them all."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
        for server in self._servers:
            server.stop()


@contextmanager
def gateway(stage: Stage, directory: Path) -> Iterator[int]:
    """A running gateway; its port."""
    port = free_port()
    servers = ", ".join(f'{{ url = "http://127.0.0.1:{one}" }}' for one in stage.ports)
    config = directory / "gateway.hcl"
    config.write_text(_CONFIG.format(port=port, servers=servers))
    server = Server([sys.executable, "-m", "a3sgw", "--config", str(config)], directory, _CPUS)
    try:
        server.wait_until_it_listens(port)
        yield port
    finally:
        server.stop()


async def phase(name: str, port: int, begin: Callable[[], None], end: Callable[[], None]) -> str:
    """One second of peace, four of trouble, two of peace; a row of the table."""
    clients = Clients(port, 48, 16)
    for seconds, change in ((1.0, begin), (4.0, end), (2.0, None)):
        await asyncio.sleep(seconds)
        if change is not None:
            await asyncio.to_thread(change)
    await clients.stop()
    times = clients.seconds
    shown = [f"{times[int(len(times) * share)] * 1000:.0f}" for share in (0.5, 0.99)] + [f"{times[-1] * 1000:.0f}"]
    gets, posts = clients.failed("GET"), clients.failed("POST")
    kinds = ", ".join(f"{count} × {what}" for what, count in sorted(posts.items())) or "0"
    return f"| {name} | {clients.ended.total():,} | {gets.total()} | {kinds} | {' | '.join(shown)} |"


async def run() -> None:
    """Every fault in turn; the table goes to stdout as it grows."""
    print("| one of ten endpoints is | requests | failed GET | failed POST | p50 ms | p99 ms | longest ms |")
    print("|---|---:|---:|---|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory(prefix="a3sgw-survival-") as temporary:
        directory = Path(temporary)
        stage = Stage(directory)
        try:
            faults: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
                ("well", lambda: None, lambda: None),
                ("killed", stage.kill, stage.restart),
                ("stopped", lambda: stage.send(signal.SIGSTOP), lambda: stage.send(signal.SIGCONT)),
            ]
            for mood in _MOODS:
                change = mood.replace(" ", "%20")
                faults.append((mood, lambda change=change: stage.become(change), lambda: stage.become("well")))  # type: ignore[misc]
            for name, begin, end in faults:
                with gateway(stage, directory) as port:
                    print(await phase(name, port, begin, end), flush=True)
        finally:
            stage.close()


if __name__ == "__main__":
    asyncio.run(run())
