"""a3sgw: one worker or several, metrics and a JSON access log to a file."""

from __future__ import annotations

import json
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from benchmarks.process import free_port
from benchmarks.products.base import Product, first_line

_HEAD = """\
workers = {workers}
admin {{ address = "127.0.0.1:{admin}" }}
access_log {{ file = "{directory}/access.log" }}
entrypoints "web" {{
  address = "127.0.0.1:{port}"
{tls}}}
services "backend" {{
  load_balancer {{
    servers              = [{{ url = "http://127.0.0.1:{backend}" }}]
    max_idle_connections = 128
  }}
}}
"""
_TLS = """\
  tls {{
    cert_file       = "{file}"
    key_file        = "{file}"
    min_version     = "1.3"
    session_tickets = false
  }}
"""
_STREAM = """\
workers = {workers}
admin {{ address = "127.0.0.1:{admin}" }}
access_log {{ file = "{directory}/access.log" }}
entrypoints "in" {{
  address  = "127.0.0.1:{port}"
  protocol = "{protocol}"
}}
routers "all" {{
  service = "backend"
{rule}}}
services "backend" {{
  load_balancer {{ servers = [{{ url = "{protocol}://127.0.0.1:{backend}" }}] }}
}}
"""
_ROUTE = """\
routers "{name}" {{
  rule    = "{rule}"
  service = "backend"
}}
"""


class A3sgw(Product):
    """The product this repository is about, run from this checkout by the running interpreter."""

    name = "a3sgw"
    program = "a3sgw"
    can_route = True
    can_spread = True
    speaks = ("http", "https", "tcp", "udp")
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: RUF012 -- ClassVar in the base

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type] # same arguments as the base
        self._admin = free_port()
        self._generation = 0

    @classmethod
    def installed(cls) -> bool:
        return find_spec("a3sgw.__main__") is not None

    @classmethod
    def version(cls) -> str:
        return f"{first_line(sys.executable, '-m', 'a3sgw', '--version')} on Python {sys.version.split()[0]}"

    def write(self) -> None:
        """The first router's path prefix changes with every writing, so that a reload has something to do."""
        rules = [f"Host(`host-{index}.example`) && PathPrefix(`/v1`)" for index in range(self.setup.routes)]
        rules = rules or ["PathPrefix(`/`)"]
        rules.append(f"Host(`generation.example`) && PathPrefix(`/{self._generation}`)")
        self._generation += 1
        protocol = self.setup.protocol
        http = protocol in ("http", "https")
        head = (_HEAD if http else _STREAM).format(
            workers=self.setup.workers,
            admin=self._admin,
            directory=self.directory,
            port=self.setup.port,
            backend=self.setup.backend,
            protocol=protocol,
            tls=_TLS.format(file=self.setup.certificate) if protocol == "https" else "",
            rule='  rule    = "HostSNI(`*`)"\n' if protocol == "tcp" else "",
        )
        routes = (
            "" if not http else "".join(_ROUTE.format(name=f"r{index}", rule=rule) for index, rule in enumerate(rules))
        )
        file = self.directory / "gateway.hcl"
        fresh = file.with_suffix(".new")
        fresh.write_text(head + routes)
        fresh.rename(file)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "a3sgw", "--config", str(self.directory / "gateway.hcl"), "--log-level", "warn"]

    def reloads(self) -> int | None:
        """From the metrics; ask before and after a measurement, never in it."""
        for line in self._ask("/metrics").splitlines():
            if line.startswith('a3sgw_config_reloads_total{result="success"}'):
                return int(float(line.split()[-1]))
        return None

    def spread(self) -> tuple[int, ...] | None:
        workers = json.loads(self._ask("/health/detailed"))["workers"]["each"]
        return tuple(worker["connections"] for worker in workers)

    def _ask(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
            return text
