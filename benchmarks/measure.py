"""The procedures: load, idle connections, reload under load, several workers, echoes."""

from __future__ import annotations

import resource
import socket
import ssl
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import load, tcp, udp
from benchmarks.cpu import cpu_nanoseconds, resident_bytes
from benchmarks.products.base import Product
from benchmarks.profiles import Profile
from benchmarks.sample import Sample, unevenness

IDLE = 10_000
SPARE_FILES = 500
"""File descriptors left to the harness itself."""
_REQUEST = "GET {path} HTTP/1.1\r\nHost: idle.example\r\n\r\n"
MEGABYTE = 1e6
SHARED = 400
"""Connections whose spread over the workers is looked at."""


def measure(product: Product, profile: Profile, seconds: float, directory: Path, cpus: set[int]) -> Sample:
    """One round of `profile` against a started `product`; load runs on `cpus`."""
    if profile.kind == "idle":
        return idle(product, profile)
    if profile.kind == "reload":
        return reload(product, profile, seconds, directory, cpus)
    if profile.kind in ("tcp", "udp"):
        return echoes(product, seconds, cpus)
    if profile.kind == "workers":
        return replace(under_load(product, profile, seconds, directory, cpus), uneven=uneven(product))
    return under_load(product, profile, seconds, directory, cpus)


def under_load(product: Product, profile: Profile, seconds: float, directory: Path, cpus: set[int]) -> Sample:
    """CPU per request while wrk runs; the few connections wrk opens and closes are part of it."""
    before = cpu_nanoseconds(product.pid)
    seen = load.run(profile, product.setup.port, seconds, directory, cpus)
    spent = cpu_nanoseconds(product.pid) - before
    return Sample(
        cpu=spent / 1000 / max(1, seen.requests),
        per_second=seen.per_second,
        p50=seen.p50 / 1000,
        p99=seen.p99 / 1000,
        memory=resident_bytes(product.pid) / MEGABYTE,
        errors=seen.failed + seen.rejected,
    )


def echoes(product: Product, seconds: float, cpus: set[int]) -> Sample:
    """CPU per echo."""
    before = cpu_nanoseconds(product.pid)
    run = udp.run if product.setup.protocol == "udp" else tcp.run
    count, took = run(product.setup.port, seconds, cpus)
    spent = cpu_nanoseconds(product.pid) - before
    memory = resident_bytes(product.pid) / MEGABYTE
    return Sample(cpu=spent / 1000 / max(1, count), per_second=count / took, memory=memory)


def uneven(product: Product, limit: float = 10) -> float | None:
    """How unevenly the workers share `SHARED` connections that each made one request; None if the product cannot tell
    or has one worker. Raises `TimeoutError` when it does not come to count so many."""
    if product.setup.workers == 1:
        return None
    with ExitStack() as open_connections:
        for _ in range(SHARED):
            open_connections.enter_context(
                _one_request(product.setup.port, "127.0.0.1", _REQUEST.format(path="/").encode())
            )
        begin = time.monotonic()
        while (counts := product.spread()) is not None:
            if sum(counts) == SHARED:
                return unevenness(counts)
            if time.monotonic() - begin > limit:
                raise TimeoutError(f"of {SHARED} connections the workers have counted {counts}")
            time.sleep(0.1)
    return None


def idle(product: Product, profile: Profile) -> Sample:
    """Memory before and while `IDLE` connections are kept that each made one request, from several addresses.

    With plain TCP there is one to the backend for each.
    """
    each = 2 if profile.protocol == "tcp" else 1
    count = min(IDLE, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES) // each)
    tls = _any_certificate() if profile.protocol == "https" else None
    request = _REQUEST.format(path=profile.path).encode()
    connections: list[socket.socket] = []
    try:
        _one_request(product.setup.port, "127.0.0.1", request, tls).close()
        before = resident_bytes(product.pid)
        for number in range(count):
            source = f"127.0.0.{2 + number % 10}"
            connections.append(_one_request(product.setup.port, source, request, tls))
        time.sleep(1)
        after = resident_bytes(product.pid)
    finally:
        for connection in connections:
            connection.close()
    return Sample(memory=after / MEGABYTE, grown=(after - before) / MEGABYTE, connections=count)


def _one_request(port: int, source: str, request: bytes, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A connection that got one answer and stays open. Raises `ConnectionError` if there was none."""
    connection = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    if tls is not None:
        # As browsers do: else the request would wait until the end of the handshake is acknowledged, 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = tls.wrap_socket(connection)
    connection.sendall(request)
    if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
        raise ConnectionError("an idle connection was not answered with 200")
    # Of TLS only the other side is of interest: nothing more is said, so nobody has to know the keys here.
    return connection if tls is None else socket.socket(fileno=connection.detach())


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def reload(product: Product, profile: Profile, seconds: float, directory: Path, cpus: set[int]) -> Sample:
    """p99 with a reload in the middle of the load, and without one right before.

    The load lasts three times as long as one reload alone, measured first, and three seconds longer: loading competes
    with load generator and backend for their core, so a reload takes longer beside them.
    """
    alone = _reload_and_wait(product)
    duration = max(seconds, (alone or 0) * 3 + 3)
    quiet = load.run(profile, product.setup.port, duration, directory, cpus)
    running = load.start(profile, product.setup.port, duration, directory, cpus)
    time.sleep(0.5)
    before = product.reloads()
    product.reload()
    busy = load.finish(running)
    if before is not None and (product.reloads() or 0) <= before:
        raise TimeoutError(f"the reload did not take effect within the {duration:.0f} s of load")
    return Sample(
        per_second=busy.per_second,
        p50=busy.p50 / 1000,
        p99=busy.p99 / 1000,
        memory=resident_bytes(product.pid) / MEGABYTE,
        errors=busy.failed + busy.rejected + quiet.failed + quiet.rejected,
        quiet_p99=quiet.p99 / 1000,
        reload_seconds=alone,
    )


def _reload_and_wait(product: Product, limit: float = 120) -> float | None:
    """Seconds a reload takes without load, None if the product cannot tell. Raises `TimeoutError`."""
    before = product.reloads()
    begin = time.monotonic()
    product.reload()
    if before is None:
        return None
    while time.monotonic() - begin < limit:
        if (product.reloads() or 0) > before:
            return time.monotonic() - begin
        time.sleep(0.1)
    raise TimeoutError(f"the reload did not take effect within {limit:g} s")
