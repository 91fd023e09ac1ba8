"""Caddy: GOMAXPROCS=1, an access log to a file, no metrics (they would make it slower)."""

from __future__ import annotations

from benchmarks.products.base import Product, first_line

_CONFIG = """\
{{
  admin off
  auto_https off
}}
{protocol}://:{port} {{
  bind 127.0.0.1
{tls}  log {{
    output file {directory}/access.log {{
      roll_disabled
    }}
  }}
  reverse_proxy 127.0.0.1:{backend} {{
    transport http {{
      keepalive_idle_conns_per_host 128
    }}
  }}
}}
"""


class Caddy(Product):
    """The Go proxy most people compare with."""

    name = "caddy"
    program = "caddy"
    speaks = ("http", "https")
    environment = {"GOMAXPROCS": "1"}  # noqa: RUF012 -- ClassVar in the base

    @classmethod
    def version(cls) -> str:
        return f"caddy {first_line('caddy', 'version')}"

    def write(self) -> None:
        setup = self.setup
        text = _CONFIG.format(
            protocol=setup.protocol,
            port=setup.port,
            backend=setup.backend,
            directory=self.directory,
            tls=f"  tls {setup.certificate} {setup.certificate}\n" if setup.protocol == "https" else "",
        )
        (self.directory / "Caddyfile").write_text(text)

    def command(self) -> list[str]:
        home = [f"XDG_{kind}_HOME={self.directory}" for kind in ("CONFIG", "DATA")]
        return ["env", *home, "caddy", "run", "--config", str(self.directory / "Caddyfile"), "--adapter", "caddyfile"]
