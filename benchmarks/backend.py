"""The server behind every product: nginx, which answers from memory."""

from __future__ import annotations

from pathlib import Path

from benchmarks.process import Server, free_port

MEGABYTE = 1 << 20

_CONFIG = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 40000;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 15000; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  upstream self {{ server 127.0.0.1:{port}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {directory}/files;
    location / {{ return 200 "ok"; }}
    location = /varied {{ add_header X-Answer $request_id; return 200 "ok"; }}
    location = /megabyte {{ }}
    # `return` would answer before the body has arrived; this reads all of it first and then asks the line above.
    location = /upload {{
      client_max_body_size 0;
      client_body_buffer_size 2m;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
      proxy_pass http://self/;
    }}
  }}
}}
"""


def start_backend(directory: Path, cpus: set[int]) -> tuple[Server, int]:
    """The running backend and its port."""
    files = directory / "files"
    files.mkdir(parents=True)
    (files / "megabyte").write_bytes(b"x" * MEGABYTE)
    for each in (directory, files, files / "megabyte"):  # workers run as another user
        each.chmod(0o755)
    port = free_port()
    (directory / "nginx.conf").write_text(_CONFIG.format(directory=directory, port=port))
    server = Server(["nginx", "-c", f"{directory}/nginx.conf", "-e", f"{directory}/error.log"], directory, cpus)
    server.wait_until_it_listens(port)
    return server, port
