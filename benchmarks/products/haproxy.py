"""HAProxy: one thread, connections reused without restraint, an HTTP log to a file."""

from __future__ import annotations

from benchmarks.products.base import Product, first_line

_CONFIG = """\
global
  nbthread 1
  maxconn 12000
  no strict-limits
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend web
  bind 127.0.0.1:{port} backlog 4096
  default_backend backend
backend backend
  server one 127.0.0.1:{backend} pool-max-conn 128
"""


class HAProxy(Product):
    """Its standard output, and so its log, is a file."""

    name = "haproxy"
    program = "haproxy"

    @classmethod
    def version(cls) -> str:
        return first_line("haproxy", "-v").split(" - ")[0]

    def write(self) -> None:
        (self.directory / "haproxy.cfg").write_text(_CONFIG.format(port=self.setup.port, backend=self.setup.backend))

    def command(self) -> list[str]:
        return ["haproxy", "-db", "-f", str(self.directory / "haproxy.cfg")]
