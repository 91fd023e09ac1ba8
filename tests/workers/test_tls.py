"""TLS where there are several processes: tickets, certificates that change, upgrades."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

from tests.support.echo import Echo
from tests.support.live import until
from tests.support.tls import Authority, Files
from tests.support.workers import TWO, Crew, crew, text


def secured(url: str, files: Files) -> str:
    """The usual configuration, with TLS."""
    tls = f'entrypoints "secure" {{\n address = "127.0.0.1:0"\n tls {{\n{files.hcl}\n }}\n}}\n'
    route = 'routers "secure" {\n rule = "PathPrefix(`/`)"\n service = "origin"\n entrypoints = ["secure"]\n}\n'
    return text(url, more=TWO + tls + route)


def meet(running: Crew, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """A connection, to whichever worker the kernel chooses."""
    host, _, port = running.addresses()["secure"].rpartition(":")
    raw = socket.create_connection((host, int(port)), timeout=5)
    return context.wrap_socket(raw, server_hostname="a.example", session=session)


async def test_tickets_of_all_workers(tmp_path: Path) -> None:
    """A client that comes back is known by the other worker as well: of many none does the whole handshake again."""
    authority = Authority(tmp_path)
    path = tmp_path / "gateway.hcl"
    async with Echo("origin") as echo:
        path.write_text(secured(echo.url, authority.issue("a.example")))
        async with crew(path) as running:
            context = authority.client()
            context.maximum_version = ssl.TLSVersion.TLSv1_2

            def come_back() -> list[bool | None]:
                with meet(running, context) as first:
                    session = first.session
                reused = []
                for _ in range(16):
                    with meet(running, context, session) as again:
                        reused.append(again.session_reused)
                return reused

            assert await asyncio.to_thread(come_back) == [True] * 16


async def test_certificates_that_change(tmp_path: Path) -> None:
    """All workers take it over, and no handshake fails meanwhile."""
    authority = Authority(tmp_path)
    path = tmp_path / "gateway.hcl"
    files = authority.issue("a.example")
    async with Echo("origin") as echo:
        path.write_text(secured(echo.url, files))
        async with crew(path) as running:
            context = authority.client()

            def serials(count: int = 12) -> set[str]:
                found = set()
                for _ in range(count):
                    with meet(running, context) as one:
                        found.add(str((one.getpeercert() or {})["serialNumber"]))
                return found

            (old,) = await asyncio.to_thread(serials)
            authority.renew(files, "a.example")

            async def all_new() -> bool:
                return old not in await asyncio.to_thread(serials)

            await until(all_new, "both workers have the new certificate")
            assert len(await asyncio.to_thread(serials)) == 1
