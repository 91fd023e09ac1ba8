"""The library object: its life from start to stop, and what it says about itself."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from a3sgw import Gateway, load_config
from a3sgw.errors import BindError, ConfigError
from a3sgw.tasks import spawn
from tests.support.gateway import Running
from tests.support.live import GET, fetch, free_port, hcl, refused, until
from tests.support.origin import OK, Origin
from tests.support.wire import Wire


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[Origin]:
    """Answers when it is told to."""
    async with Origin() as one:
        yield one


def descriptors() -> set[str]:
    """What this process has open, by what it stands for; the event loop's own things stay the same."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            continue
    return found


async def waiting(gateway: Gateway, origin: Origin) -> tuple[Wire, Wire]:
    """A client whose request has arrived at the origin, and the connection on which it did."""
    client = await Running(gateway).connect()
    await client.send(GET)
    there = await origin.accept()
    await there.message()
    return client, there


# Starting...


async def test_a_life(origin: Origin) -> None:
    """new → running → draining → stopped; whoever waits for the end is told."""
    gateway = Gateway(load_config(hcl(origin.url)))
    assert (gateway.state(), gateway.ready()) == ("new", False)
    assert repr(gateway) == "<Gateway [new, 0 entrypoints]>"
    await gateway.start()
    assert (gateway.state(), gateway.ready()) == ("running", True)
    assert repr(gateway) == "<Gateway [running, 1 entrypoints]>"
    end = spawn(gateway.wait_for_shutdown(), "end")
    origin.always()
    assert (await fetch(gateway.addresses["web"][0])).status == 200
    await gateway.shutdown()
    await end
    assert (gateway.state(), gateway.ready()) == ("stopped", False)


async def test_it_starts_once(origin: Origin) -> None:
    """A gateway that runs, or has stopped, is not started again."""
    gateway = Gateway(load_config(hcl(origin.url)))
    await gateway.start()
    with pytest.raises(RuntimeError, match="running"):
        await gateway.start()
    await gateway.shutdown()
    with pytest.raises(RuntimeError, match="stopped"):
        await gateway.start()


async def test_stopping_without_a_start() -> None:
    """Is no error, and nobody waits for ever."""
    gateway = Gateway(load_config('entrypoints "web" { address = ":0" }\n'))
    await gateway.shutdown()
    await gateway.wait_for_shutdown()
    assert gateway.state() == "stopped"


async def test_a_gateway_on_a_file_that_is_not_there(tmp_path: Path) -> None:
    """ConfigError says which, and the gateway has stopped."""
    gateway = Gateway(tmp_path / "gateway.hcl")
    with pytest.raises(ConfigError, match=r"gateway\.hcl"):
        await gateway.start()
    assert gateway.state() == "stopped"


async def test_what_is_not_supported_yet_is_refused() -> None:
    """A Config made by a program is held to the same as a file."""
    gateway = Gateway(load_config('entrypoints "web" {\n  address = ":0"\n  http2 { enabled = false }\n}\n'))
    with pytest.raises(ConfigError, match=r"not supported yet: entrypoints\.web\.http2"):
        await gateway.start()


@pytest.mark.parametrize("kind", ["entrypoint", "admin", "log", "rule"])
async def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path, kind: str) -> None:
    """Neither sockets nor files nor threads' work: the process has open what it had before."""
    port, taken = free_port(), socket.create_server(("127.0.0.1", 0))
    occupied = f"127.0.0.1:{taken.getsockname()[1]}"
    text = hcl("http://127.0.0.1:9").replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1)
    text = text.replace("enabled = false", f'file = "{tmp_path}/access.log"')
    match kind:
        case "entrypoint":
            text += f'entrypoints "z" {{ address = "{occupied}" }}\n'
        case "admin":
            text = text.replace('admin { address = "127.0.0.1:0"', f'admin {{ address = "{occupied}"')
        case "log":
            text = text.replace("/access.log", "/no/access.log")
        case _:
            text = text.replace("PathPrefix", "PathPrefxi")
    before = descriptors()
    gateway = Gateway(load_config(text))
    with pytest.raises(BindError if kind in ("entrypoint", "admin") else ConfigError) as raised:
        await gateway.start()
    if kind in ("entrypoint", "admin"):
        assert occupied in str(raised.value)
    assert gateway.state() == "stopped"
    assert await refused(f"127.0.0.1:{port}")
    await until(lambda: descriptors() <= before, "everything is closed")
    taken.close()


async def test_a_stopped_gateway_leaves_nothing_open(tmp_path: Path, origin: Origin) -> None:
    """After traffic and reloads, too."""
    origin.always()
    before = {one.partition(" ")[2] for one in descriptors()}
    text = hcl(origin.url).replace("enabled = false", f'file = "{tmp_path}/access.log"')
    gateway = Gateway(load_config(text))
    await gateway.start()
    assert (await fetch(gateway.addresses["web"][0])).status == 200
    assert await gateway.reload(load_config(text.replace("access.log", "other.log")))
    assert (await fetch(gateway.addresses["web"][0])).status == 200
    await gateway.shutdown()
    for wire in origin.wires:
        wire.close()

    def closed() -> bool:
        return {one.partition(" ")[2] for one in descriptors()} <= before

    await until(closed, "everything is closed")


async def test_two_gateways_in_one_process(origin: Origin) -> None:
    """They share nothing: each has its own routes, metrics and end."""
    origin.always()
    one, two = (Gateway(load_config(hcl(origin.url, version))) for version in ("1", "2"))
    await one.start()
    await two.start()
    assert (await fetch(one.addresses["web"][0])).get(b"x-version") == b"1"
    assert (await fetch(two.addresses["web"][0])).get(b"x-version") == b"2"
    assert b'a3sgw_router_requests_total{code="2xx",method="GET",router="all"} 1' in one.metrics_text()
    await one.shutdown()
    assert (await fetch(two.addresses["web"][0])).status == 200
    await two.shutdown()


# Telling...


async def test_what_it_says_about_itself(origin: Origin) -> None:
    """Health, configuration with secrets masked, and metrics, as documented."""
    origin.always()
    gateway = Gateway(load_config(hcl(origin.url)))
    assert gateway.health()["status"] == "new"
    await gateway.start()
    health: dict[str, Any] = gateway.health()
    assert health["status"] == "healthy"
    assert health["entrypoints"]["web"] == {"addresses": gateway.addresses["web"], "connections": 0}
    assert health["services"]["origin"] == [
        {"url": origin.url, "weight": 1, "in_flight": 0, "health": "healthy", "draining": False}
    ]
    assert health["config"]["last_reload_success"] is True
    assert health["config"]["last_reload_time"] > 0
    assert gateway.config().shutdown_timeout_secs == 1
    assert gateway.masked_config()["routers"]["all"]["service"] == "origin"
    assert gateway.metrics().reloads == {"success": 0, "failure": 0}
    client = await Running(gateway).connect()
    await until(lambda: gateway.health()["entrypoints"]["web"]["connections"] == 1, "the connection is counted")
    client.close()
    await gateway.shutdown()
    assert gateway.health()["status"] == "stopped"


async def test_applied_is_told(origin: Origin) -> None:
    """Of the first configuration and of every one that took effect, and of no other."""
    told: list[int] = []
    gateway = Gateway(load_config(hcl(origin.url)), lambda config: told.append(len(config.entrypoints)))
    await gateway.start()
    more = 'entrypoints "more" { address = "127.0.0.1:0" }\n'
    assert await gateway.reload(load_config(hcl(origin.url, more=more)))
    assert not await gateway.reload(load_config(hcl(origin.url, more="providers {\n docker {}\n}\n")))
    assert told == [1, 2]
    await gateway.shutdown()


# Stopping...


async def test_stopping_lets_running_exchanges_finish(origin: Origin) -> None:
    """A running request is answered with close, an idle connection ends, a new one is refused; readiness says no."""
    gateway = Gateway(load_config(hcl(origin.url)))
    await gateway.start()
    address, admin = gateway.addresses["web"][0], gateway.admin_address
    client, there = await waiting(gateway, origin)
    idle = await Running(gateway).connect()
    await until(lambda: gateway.health()["entrypoints"]["web"]["connections"] == 2, "both are connected")
    stopping = spawn(gateway.shutdown(), "shutdown")
    assert await idle.more() == b""
    assert await refused(address)
    assert (await fetch(admin, "/ready")).status == 503
    assert (await fetch(admin, "/health")).status == 200
    assert gateway.state() == "draining"
    assert not stopping.done()
    await there.send(OK)
    answer = await client.message()
    assert (answer.status, answer.get(b"connection")) == (200, b"close")
    assert await client.more() == b""
    await stopping
    assert await refused(admin)
    client.close()
    idle.close()


async def test_stopping_has_a_limit(tmp_path: Path, origin: Origin) -> None:
    """After `shutdown_timeout_secs` what still runs is cut, visibly, and logged."""
    log = tmp_path / "access.log"
    text = hcl(origin.url).replace("timeout_secs = 1", 'timeout_secs = "100ms"')
    gateway = Gateway(load_config(text.replace("enabled = false", f'file = "{log}"')))
    await gateway.start()
    client, there = await waiting(gateway, origin)
    await gateway.shutdown()
    assert (await client.end())[1] == "RST"
    assert (await there.end())[0] == b""
    client.close()
    assert '"status":499' in log.read_text()


async def test_the_second_stop_waits_for_the_first(origin: Origin) -> None:
    """Whoever asks comes back when it is over."""
    gateway = Gateway(load_config(hcl(origin.url)))
    await gateway.start()
    client, there = await waiting(gateway, origin)
    first = spawn(gateway.shutdown(), "first")
    await until(lambda: gateway.state() == "draining", "it stops")
    second = spawn(gateway.shutdown(), "second")
    await there.send(OK)
    assert (await client.message()).status == 200
    await second
    assert gateway.state() == "stopped"
    await first
    client.close()


async def test_a_reload_comes_too_late(origin: Origin) -> None:
    """Once it stops nothing is opened any more."""
    gateway = Gateway(load_config(hcl(origin.url)))
    await gateway.start()
    port = free_port()
    config = load_config(hcl(origin.url, more=f'entrypoints "more" {{ address = "127.0.0.1:{port}" }}\n'))
    nothing, taken = await asyncio.gather(gateway.shutdown(), gateway.reload(config))
    assert (nothing, taken) == (None, False)
    assert await refused(f"127.0.0.1:{port}")
    assert await gateway.reload() is False


async def test_counters_of_routers_that_are_gone_go() -> None:
    """A gateway that is edited for years does not keep the counters of every router it ever had; those in use stay."""
    text = """
        entrypoints "web" { address = "127.0.0.1:0" }
        services "s" {
          load_balancer { servers = [{ url = "http://127.0.0.1:1" }] }
        }
        routers "NAME" {
          rule    = "Path(`/`)"
          service = "s"
        }
    """
    first, second = (load_config(text.replace("NAME", name)) for name in ("first", "second"))
    gateway = Gateway(first)
    await gateway.start()
    try:
        gone = gateway.metrics().route("web", "first", "s")
        assert await gateway.reload(second)
        kept = gateway.metrics().route("web", "second", "s")
        for _ in range(2):  # a router that is gone may still count what was running: it goes after a quiet period
            assert await gateway.reload(second)
        assert gateway.metrics().route("web", "second", "s") is kept
        assert gateway.metrics().route("web", "first", "s") is not gone
    finally:
        await gateway.shutdown()
