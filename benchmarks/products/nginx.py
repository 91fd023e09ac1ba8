"""nginx: one worker, kept upstream connections, a buffered access log (ours is batched, too)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.products.base import Product, first_line

_CONFIG = """\
daemon off;
master_process on;
worker_processes 1;
worker_rlimit_nofile 40000;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 20000; }}
http {{
  access_log {directory}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  upstream backend {{
    server 127.0.0.1:{backend};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
{servers}
}}
"""
_CATCH_ALL = "  server {{ listen 127.0.0.1:{port} {tls}default_server backlog=4096; {more}location / {{ {action} }} }}"
_ROUTE = (
    "  server {{ listen 127.0.0.1:{port}; server_name host-{index}.example; "
    "location /v1 {{ proxy_pass http://backend; }} location / {{ return 404; }} }}"
)


_TLS = (
    "ssl_certificate {file}; ssl_certificate_key {file}; ssl_protocols TLSv1.3; ssl_session_tickets off; "
    "ssl_session_cache off; "
)
_STREAM = """\
{load}daemon off;
master_process on;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 20000; }}
stream {{
  log_format session '$remote_addr $status $bytes_sent $bytes_received $session_time';
  access_log {directory}/access.log session buffer=64k flush=1s;
  server {{
    listen 127.0.0.1:{port} {how};
    proxy_pass 127.0.0.1:{backend};
    proxy_timeout {timeout};
  }}
}}
"""
_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
"""Where Debian has it, which does not build it in."""


class Nginx(Product):
    """The reference all others are divided by."""

    name = "nginx"
    program = "nginx"
    can_route = True
    speaks = ("http", "https", "tcp", "udp")

    @classmethod
    def version(cls) -> str:
        return first_line("nginx", "-v").removeprefix("nginx version: ")

    def write(self) -> None:
        file = self.directory / "nginx.conf"
        file.write_text(self._http() if self.setup.protocol in ("http", "https") else self._stream())

    def _http(self) -> str:
        setup = self.setup
        action = "return 404;" if setup.routes else "proxy_pass http://backend;"
        tls, more = ("ssl ", _TLS.format(file=setup.certificate)) if setup.protocol == "https" else ("", "")
        servers = [_CATCH_ALL.format(port=setup.port, action=action, tls=tls, more=more)]
        servers += [_ROUTE.format(port=setup.port, index=index) for index in range(setup.routes)]
        return _CONFIG.format(directory=self.directory, backend=setup.backend, servers="\n".join(servers))

    def _stream(self) -> str:
        return _STREAM.format(
            load=f"load_module {_MODULE};\n" if _MODULE.exists() else "",
            directory=self.directory,
            port=self.setup.port,
            backend=self.setup.backend,
            how="udp" if self.setup.protocol == "udp" else "backlog=4096",
            timeout="30s" if self.setup.protocol == "udp" else "300s",
        )

    def command(self) -> list[str]:
        return ["nginx", "-c", str(self.directory / "nginx.conf"), "-e", str(self.directory / "error.log")]
