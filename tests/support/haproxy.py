"""A real HAProxy that says whom it speaks for."""

from __future__ import annotations

import socket
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.programs import program


@asynccontextmanager
async def haproxy(directory: Path, to: str, header: str) -> AsyncIterator[int]:
    """The port where it takes connections, to pass them on to ``host:port`` behind a `header` such as
    ``send-proxy-v2``."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (directory / "haproxy.cfg").write_text(f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen all
  bind fd@{listening.fileno()}
  server gateway {to} {header}
""")
        process = await create_subprocess_exec(
            *(program("haproxy"), "-db", "-f", str(directory / "haproxy.cfg")),
            pass_fds=[listening.fileno()],
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        try:
            yield int(listening.getsockname()[1])
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
