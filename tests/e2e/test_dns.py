"""A real name server behind the gateway, asked by a real client: dnsmasq and dig."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.test_udp import config
from tests.support.gateway import gateway

LONG = ["x" * 255] * 8


def free_udp_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def name_server(address: str) -> AsyncIterator[int]:
    """One that knows ``a.example`` at this address, and a long text of ``long.example``; its port."""
    program = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
    assert Path(program).exists(), "this test needs dnsmasq (package dnsmasq-base)"
    options = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=", "--pid-file="]
    options += ["--listen-address=127.0.0.1", "--bind-interfaces", "--cache-size=0", "--edns-packet-max=4096"]
    options += [f"--address=/a.example/{address}", f"--txt-record=long.example,{','.join(LONG)}"]
    async with asyncio.timeout(30):
        port, server = await answering(program, *options)
    try:
        yield port
    finally:
        server.terminate()
        await server.wait()


async def answering(program: str, *options: str) -> tuple[int, asyncio.subprocess.Process]:
    """The program, once it answers, and its port; another one when somebody else has taken that meanwhile."""
    while True:
        port = free_udp_port()
        server = await asyncio.create_subprocess_exec(program, *options, f"--port={port}")
        while server.returncode is None:
            if (await dig(port, "+timeout=1", "a.example")).startswith("192.0.2."):
                return port, server


async def dig(port: int, *arguments: str) -> str:
    """What it prints for a query to this port."""
    program = shutil.which("dig")
    assert program is not None, "this test needs dig (package bind9-dnsutils)"
    options = (f"-p{port}", "@127.0.0.1", "+short", "+tries=1", "+timeout=5", "+ignore", *arguments)
    running = await asyncio.create_subprocess_exec(program, *options, stdout=asyncio.subprocess.PIPE)
    said, _ = await running.communicate()
    return said.decode().strip()


async def test_names_are_found() -> None:
    """Short answers, and with EDNS those of more than 2,000 bytes; one of two servers may die."""
    async with name_server("192.0.2.1") as first, name_server("192.0.2.2") as second:
        servers = [f"udp://127.0.0.1:{port}" for port in (first, second)]
        async with gateway(config(*servers)) as running:
            port = int(running.gateway.addresses["dns"][0].rpartition(":")[2])
            found = await asyncio.gather(*(dig(port, "a.example") for _ in range(8)))
            assert sorted(found) == ["192.0.2.1"] * 4 + ["192.0.2.2"] * 4
            text = await dig(port, "+bufsize=4096", "long.example", "TXT")
            assert text.replace('"', "").split() == LONG
        assert {(one["method"], one["error"], one["attempts"]) for one in running.records} == {("UDP", "", 1)}
        assert len(running.records) == 9
