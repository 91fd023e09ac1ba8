"""A real Redis for one test: no persistence, a port and a unix socket of its own, stopped and killed at will."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from types import TracebackType

import trustme

from tests.support.live import free_port, until


class Redis:
    """Listens on 127.0.0.1:`port` and on `socket`; with a password, for TCP as for the socket.

    With an authority, the port speaks TLS, and `directory` has the authority as ``ca.pem``.
    """

    def __init__(self, directory: Path, password: str = "", authority: trustme.CA | None = None) -> None:
        self.port = free_port()
        self.socket = directory / "redis.sock"
        self._directory = directory
        self._password = password
        self._authority = authority
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """For a client."""
        password = f":{self._password}@" if self._password else ""
        if self._authority is not None:
            return f"rediss://{password}127.0.0.1:{self.port}/0?ssl_ca_certs={self._directory}/ca.pem"
        return f"redis://{password}127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Run, with nothing in it; wait until it answers."""
        options: dict[str, object] = {
            "port": self.port,
            "unixsocket": self.socket,
            "dir": self._directory,
            "bind": "127.0.0.1",
        }
        options |= {"appendonly": "no"} | ({"requirepass": self._password} if self._password else {})
        if self._authority is not None:
            options |= self._tls(self._authority)
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = await asyncio.create_subprocess_exec(
            "redis-server", *arguments, "--save", "", stdout=DEVNULL, stderr=DEVNULL
        )
        await until(self._answers, "redis answers")

    def _tls(self, authority: trustme.CA) -> dict[str, object]:
        files = {name: self._directory / f"{name}.pem" for name in ("ca", "key", "cert")}
        issued = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(files["ca"]))
        issued.private_key_pem.write_to_path(str(files["key"]))
        issued.cert_chain_pems[0].write_to_path(str(files["cert"]))
        given = {f"tls-{name}-file": files[name] for name in ("key", "cert")}
        return {"port": 0, "tls-port": self.port, "tls-ca-cert-file": files["ca"], "tls-auth-clients": "no", **given}

    async def _answers(self) -> bool:
        try:
            return await self.call("PING") == "+PONG"
        except OSError:
            return False

    async def call(self, *command: object) -> str:
        """The answer to a command: its first line, or a whole text."""
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        try:
            if self._password:
                writer.write(f"AUTH {self._password}\r\n".encode())
                assert await reader.readline() == b"+OK\r\n"
            writer.write(f"{' '.join(map(str, command))}\r\n".encode())
            line = (await reader.readline()).decode().rstrip()
            return (await reader.readexactly(int(line[1:]))).decode() if line.startswith("$") else line
        finally:
            writer.close()
            await writer.wait_closed()

    async def connections(self) -> int:
        """How many clients are there besides the one that asks."""
        return len((await self.call("CLIENT", "LIST")).splitlines()) - 1

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP: it is silent; SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """It is gone, with all it knew."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def __aenter__(self) -> Redis:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()
