"""Certificates, and clients that speak TLS."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.support.wire import WAIT


@dataclass(frozen=True)
class Files:
    """A certificate and its key on disk."""

    cert: Path
    key: Path

    @property
    def hcl(self) -> str:
        """As options of `tls` or `certificates`."""
        return f'cert_file = "{self.cert}"\nkey_file = "{self.key}"'


class Authority:
    """Signs what it is asked for; contexts made by it believe nobody else."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self.file = directory / f"ca-{id(self):x}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, stem: str = "") -> Files:
        """For these names, which may be wildcards."""
        issued = self._ca.issue_cert(*names)
        stem = stem or names[0].replace("*", "star").replace("@", "-at-")
        files = Files(self._directory / f"{stem}.pem", self._directory / f"{stem}.key")
        self.write(issued, files)
        return files

    def renew(self, files: Files, *names: str) -> None:
        """Another certificate in the place of these files, as a certificate manager does it: one after the other."""
        self.write(self._ca.issue_cert(*names), files)

    @staticmethod
    def write(issued: trustme.LeafCert, files: Files) -> None:
        """The files of a certificate; replaced, not written over."""
        for path, content in (
            (files.cert, b"".join(blob.bytes() for blob in issued.cert_chain_pems)),
            (files.key, issued.private_key_pem.bytes()),
        ):
            fresh = path.with_suffix(f"{path.suffix}.new")
            fresh.write_bytes(content)
            fresh.rename(path)

    def client(self, *alpn: str, certificate: Files | None = None) -> ssl.SSLContext:
        """A client's context."""
        context = ssl.create_default_context(cafile=str(self.file))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if certificate is not None:
            context.load_cert_chain(certificate.cert, certificate.key)
        return context

    def server(self, *names: str) -> ssl.SSLContext:
        """A server's context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context


class TlsClient:
    """One connection with TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def names(self) -> list[str]:
        """Whom the server's certificate is for."""
        found = self.writer.get_extra_info("peercert").get("subjectAltName", ())
        return [name for _, name in found]

    @property
    def tls(self) -> ssl.SSLObject:
        """What was agreed on."""
        found: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        return found

    async def send(self, data: bytes) -> None:
        """Write it."""
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, host: str, path: str = "/", *fields: str) -> tuple[int, bytes]:
        """Status and body of the answer to a GET; the body has a length."""
        lines = "".join(f"{field}\r\n" for field in fields)
        await self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())
        async with asyncio.timeout(WAIT):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            return int(head.split(b" ")[1]), await self.reader.readexactly(length)

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        async with asyncio.timeout(WAIT):
            return await self.reader.readexactly(count)

    async def rest(self) -> bytes:
        """All that comes until the end."""
        async with asyncio.timeout(WAIT):
            return await self.reader.read()

    def close(self) -> None:
        """Say goodbye."""
        self.writer.close()


async def connect(address: str, context: ssl.SSLContext, name: str) -> TlsClient:
    """Ask for `name` at ``host:port``; ssl.SSLError when there is no handshake."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(WAIT):
        return TlsClient(*await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name))
