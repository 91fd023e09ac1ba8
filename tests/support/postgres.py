"""A real PostgreSQL: a cluster of its own, thrown away at the end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.live import free_port
from tests.support.programs import Ended, run
from tests.support.tls import Files

_DEBIAN = Path("/usr/lib/postgresql")
_NETWORK = "host all all 127.0.0.1/32 trust\nlocal all all trust\n"


def _binary(name: str) -> str:
    """Debian keeps the server's programs out of PATH, one directory for each version."""
    places = sorted(_DEBIAN.glob("*/bin"), key=lambda place: int(place.parent.name.partition(".")[0]))
    found = shutil.which(name, path=":".join([*map(str, reversed(places)), os.environ.get("PATH", "")]))
    assert found, f"{name} is not installed: see the test command of the README"
    return found


class Postgres:
    """Listens on 127.0.0.1:`port`; everybody may come in, with TLS (when `start` is given files for it) or without."""

    user = "postgres"

    def __init__(self) -> None:
        self.port = 0
        self._directory = Path(tempfile.mkdtemp(prefix="a3sgw-postgres-"))
        self._process: asyncio.subprocess.Process | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            shutil.chown(self._directory, self.user, self.user)
            self._as = {"user": self.user, "group": self.user, "extra_groups": []}

    async def start(self, files: Files) -> None:
        """Make the cluster, run it, and wait until it can be used."""
        data = self._directory / "data"
        made = await asyncio.create_subprocess_exec(
            *(_binary("initdb"), "--no-sync", "-U", self.user, "-A", "trust", "-E", "UTF8", "-D", str(data)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._directory,
            **self._as,
        )
        output, _ = await made.communicate()
        assert made.returncode == 0, output.decode()
        (data / "pg_hba.conf").write_text(_NETWORK)
        options: dict[str, object] = {"ssl": "on", "fsync": "off", "listen_addresses": "127.0.0.1"}
        options |= {"unix_socket_directories": self._directory, "max_wal_size": "64MB"}
        for name, source in (("ssl_cert_file", files.cert), ("ssl_key_file", files.key)):
            own = self._directory / name
            own.write_bytes(source.read_bytes())
            own.chmod(0o600)
            if self._as:
                shutil.chown(own, self.user, self.user)
            options[name] = own
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        async with asyncio.timeout(30):
            while said := await self._run("-D", str(data), *arguments):
                assert "Address already in use" in said, said

    async def _run(self, *arguments: str) -> str:
        """On a port that nobody uses; what it has said, when it has ended instead of being ready."""
        self.port = free_port()
        self._process = await asyncio.create_subprocess_exec(
            *(_binary("postgres"), *arguments, "-p", str(self.port)),
            stderr=asyncio.subprocess.PIPE,
            cwd=self._directory,
            **self._as,
        )
        assert self._process.stderr is not None
        said = []
        while line := await self._process.stderr.readline():
            said.append(line.decode())
            if b"ready to accept connections" in line:
                return ""
        await self._process.wait()
        return "".join(said)

    async def ask(self, sql: str) -> str:
        """An answer without anybody in between."""
        ended = await self.psql(f"host={self._directory} port={self.port}", "-Atc", sql)
        assert ended.code == 0, ended.err
        return ended.out.decode().strip()

    async def psql(self, where: str, *arguments: str, given: bytes = b"") -> Ended:
        """What `psql` says of a connection string."""
        return await run("psql", *psql(where), *arguments, given=given, environment=environment())

    async def stop(self) -> None:
        """Be gone, with all that was in it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            await self._process.communicate()
        shutil.rmtree(self._directory)

    async def __aenter__(self) -> Postgres:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def psql(where: str) -> tuple[str, ...]:
    """Arguments for this connection string and nothing of the user's own."""
    return "-X", "-v", "ON_ERROR_STOP=1", "-d", f"{where} user={Postgres.user} dbname=postgres connect_timeout=10"


def environment() -> dict[str, str]:
    """Without certificates of whoever runs the tests."""
    return {"HOME": "/nonexistent", "PGAPPNAME": "tests"}
