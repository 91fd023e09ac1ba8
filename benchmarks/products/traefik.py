"""Traefik: GOMAXPROCS=1, file provider, a JSON access log with a buffer, Prometheus metrics on."""

from __future__ import annotations

from benchmarks.products.base import Product, first_line

_STATIC = """\
global: {{ checkNewVersion: false, sendAnonymousUsage: false }}
entryPoints:
  web:
    address: "127.0.0.1:{port}"
providers: {{ file: {{ filename: "{directory}/dynamic.yaml", watch: true }} }}
accessLog: {{ filePath: "{directory}/access.log", format: json, bufferingSize: 256 }}
metrics: {{ prometheus: {{ manualRouting: true }} }}
serversTransport: {{ maxIdleConnsPerHost: 128 }}
log: {{ level: ERROR }}
"""
_SERVICES = """\
  services:
    backend:
      loadBalancer:
        servers:
          - url: "http://127.0.0.1:{backend}"
"""


class Traefik(Product):
    """The proxy whose rules we speak."""

    name = "traefik"
    program = "traefik"
    can_route = True
    environment = {"GOMAXPROCS": "1"}  # noqa: RUF012 -- ClassVar in the base

    @classmethod
    def version(cls) -> str:
        return f"traefik {first_line('traefik', 'version')}"

    def write(self) -> None:
        static = _STATIC.format(port=self.setup.port, directory=self.directory)
        (self.directory / "traefik.yaml").write_text(static)
        rules = [f"Host(`host-{index}.example`) && PathPrefix(`/v1`)" for index in range(self.setup.routes)]
        lines = ["http:", "  routers:"]
        for index, rule in enumerate(rules or ["PathPrefix(`/`)"]):
            lines.append(f'    r{index}: {{ rule: "{rule}", service: backend, entryPoints: [web] }}')
        text = "\n".join(lines) + "\n" + _SERVICES.format(backend=self.setup.backend)
        (self.directory / "dynamic.yaml").write_text(text)

    def command(self) -> list[str]:
        return ["traefik", f"--configFile={self.directory / 'traefik.yaml'}"]
