"""HAProxy: one thread, connections reused without restraint, a log to a file; TCP by its own defaults."""

from __future__ import annotations

from benchmarks.products.base import Product, first_line

_CONFIG = """\
global
  nbthread 1
  maxconn 12000
  tune.ssl.cachesize 0
  no strict-limits
  log stdout format raw local0 info
defaults
  log global
{mode}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend web
  bind 127.0.0.1:{port} backlog 4096{tls}
  default_backend backend
backend backend
  server one 127.0.0.1:{backend} pool-max-conn 128
"""
_HTTP = """\
  mode http
  option httplog
  option http-keep-alive
  option forwardfor
  http-reuse always"""
_TCP = """\
  mode tcp
  option tcplog"""
_TLS = " ssl crt {file} ssl-min-ver TLSv1.3 no-tls-tickets"


class HAProxy(Product):
    """Its standard output, and so its log, is a file."""

    name = "haproxy"
    program = "haproxy"
    speaks = ("http", "https", "tcp")

    @classmethod
    def version(cls) -> str:
        return first_line("haproxy", "-v").split(" - ")[0]

    def write(self) -> None:
        setup = self.setup
        text = _CONFIG.format(
            port=setup.port,
            backend=setup.backend,
            mode=_TCP if setup.protocol == "tcp" else _HTTP,
            tls=_TLS.format(file=setup.certificate) if setup.protocol == "https" else "",
        )
        (self.directory / "haproxy.cfg").write_text(text)

    def command(self) -> list[str]:
        return ["haproxy", "-db", "-f", str(self.directory / "haproxy.cfg")]
