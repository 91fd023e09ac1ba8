"""A real nginx, in one process."""

from __future__ import annotations

from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.live import refused, until
from tests.support.programs import program
from tests.support.tls import Files

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def nginx(directory: Path, files: Files, answer: str, listen: str = "") -> AsyncIterator[str]:
    """Its URL as an endpoint of TCP; it speaks HTTPS, and answers every request with this text of its variables.

    `listen` are more words for its directive of that name.
    """
    temporary = "\n".join(f"{one}_temp_path {directory}/{one};" for one in _TEMPORARY)
    (directory / "nginx.conf").write_text(f"""
    daemon off;
    master_process off;
    pid {directory}/nginx.pid;
    events {{ worker_connections 64; }}
    http {{
      access_log off;
      {temporary}
      server {{
        listen unix:{directory}/nginx.sock ssl {listen};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {files.cert};
        ssl_certificate_key {files.key};
        location / {{ return 200 "{answer}"; }}
      }}
    }}
    """)
    url = f"unix:{directory}/nginx.sock"
    process = await create_subprocess_exec(
        *(program("nginx"), "-e", "stderr", "-p", str(directory), "-c", str(directory / "nginx.conf")), stderr=DEVNULL
    )

    async def listens() -> bool:
        return not await refused(url)

    try:
        await until(listens, "nginx listens")
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
