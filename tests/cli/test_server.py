"""``a3sgw server`` as an operator runs it, against a gateway that carries traffic."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from a3sgw import Gateway, load_config
from a3sgw.cli import main
from tests.support.gateway import Running, config, gateway
from tests.support.live import GET, free_port, until
from tests.support.origin import OK, Origin
from tests.support.process import command, run
from tests.support.services import endpoint
from tests.support.wire import Wire


def text(*servers: str, admin: str = "127.0.0.1:0", more: str = "") -> str:
    """A service "api" with these servers, at the entrypoint "web"."""
    listed = ", ".join(f'{{ url = "{one}" }}' for one in servers)
    return f"""
    shutdown_timeout_secs = 1
    access_log {{ enabled = false }}
    admin {{ address = "{admin}" }}
    entrypoints "web" {{ address = "127.0.0.1:0" }}
    routers "all" {{
      rule    = "PathPrefix(`/`)"
      service = "api"
    }}
    services "api" {{
      load_balancer {{
        servers = [{listed}]
        {more}
      }}
    }}
    """


class Pair(Running):
    """A gateway with two endpoints that a test plays or lets answer."""

    def __init__(self, gateway: Gateway, first: Origin, second: Origin) -> None:
        super().__init__(gateway)
        self.first = first
        self.second = second

    async def server(self, *arguments: object) -> tuple[int, str, str]:
        """``a3sgw server`` with these arguments, asking this gateway: exit code, output, errors."""
        return await run("server", *arguments, "--admin", self.gateway.admin_address)

    async def spread(self, count: int = 20) -> tuple[int, int]:
        """How many of so many requests each endpoint gets."""
        before = len(self.first.requests), len(self.second.requests)
        for _ in range(count):
            assert (await self.ask(GET)).status == 200
        return len(self.first.requests) - before[0], len(self.second.requests) - before[1]

    def shown(self, origin: Origin) -> dict[str, Any]:
        """What the gateway says of an endpoint."""
        found: dict[str, Any] = next(
            one for one in self.gateway.health()["services"]["api"] if one["url"] == origin.url
        )
        return found

    async def at_first(self) -> tuple[Wire, Wire]:
        """A request in flight at the first endpoint: the client's connection, and the endpoint's."""
        self.gateway.drain("api", self.second.url)
        client = await self.connect()
        await client.send(GET)
        there = await self.first.accept()
        await there.message()
        self.gateway.drain("api", self.second.url, False)
        return client, there


@asynccontextmanager
async def _pair(*, answering: bool) -> AsyncIterator[Pair]:
    async with Origin() as first, Origin() as second:
        for one in (first, second) if answering else ():
            one.always()
        running = Pair(Gateway(load_config(text(first.url, second.url))), first, second)
        await running.gateway.start()
        yield running
        running.close_clients()
        await running.gateway.shutdown()


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    """Both endpoints answer."""
    async with _pair(answering=True) as one:
        yield one


@pytest_asyncio.fixture
async def played() -> AsyncIterator[Pair]:
    """Both endpoints answer when the test says so."""
    async with _pair(answering=False) as one:
        yield one


async def test_drain_and_enable(pair: Pair) -> None:
    """A drained endpoint gets no request any more, until it is enabled; its URL need not have a scheme."""
    code, out, errors = await pair.server("drain", "api", pair.first.url.removeprefix("http://"))
    assert (code, errors) == (0, "")
    assert out == f"{pair.first.url}: draining, healthy, weight 1, 0 requests in flight"
    assert await pair.spread() == (0, 20)
    code, out, _ = await pair.server("enable", "api", pair.first.url)
    assert (code, out) == (0, f"{pair.first.url}: healthy, weight 1, 0 requests in flight")
    assert await pair.spread() == (10, 10)


async def test_weights(pair: Pair) -> None:
    """The share changes at once, and goes back to the configured one."""
    code, out, _ = await pair.server("weight", "api", pair.first.url, "4")
    assert (code, out) == (0, f"{pair.first.url}: healthy, weight 4, 0 requests in flight")
    assert await pair.spread() == (16, 4)
    code, out, _ = await pair.server("weight", "api", pair.first.url, "default", "--format", "json")
    assert code == 0
    assert json.loads(out) == pair.shown(pair.first)
    assert json.loads(out)["weight"] == 1
    assert await pair.spread() == (10, 10)


async def test_list(pair: Pair) -> None:
    """Everything that is known, as text and as JSON; of one service if one is named."""
    pair.gateway.drain("api", pair.second.url)
    for service in ((), ("api",)):
        code, out, _ = await pair.server("list", *service)
        assert code == 0
        assert out.splitlines() == [
            "api",
            "",
            f"  {pair.first.url}  healthy, weight 1, 0 requests in flight",
            f"  {pair.second.url}  draining, healthy, weight 1, 0 requests in flight",
        ]
        code, out, _ = await pair.server("list", *service, "--format", "json")
        assert code == 0
        assert json.loads(out) == {"api": [pair.shown(pair.first), pair.shown(pair.second)]}


async def test_what_is_not_there(pair: Pair) -> None:
    """1, with the gateway's own words, which say what there is; nothing has changed."""
    code, out, errors = await pair.server("drain", "apy", pair.first.url)
    assert (code, out) == (1, "")
    assert errors == 'a3sgw: no service "apy" has endpoints; those that have: api'
    code, _, errors = await pair.server("weight", "api", "10.0.0.9:80", "2")
    assert code == 1
    assert errors == (
        f'a3sgw: the service "api" has no endpoint 10.0.0.9:80; it has {pair.first.url}, {pair.second.url}'
    )
    assert (await pair.server("list", "apy"))[0] == 1
    assert await pair.spread() == (10, 10)


async def test_waiting(played: Pair) -> None:
    """It returns when the last request has ended, and not before; what ran is answered whole."""
    client, there = await played.at_first()
    admin = ("--admin", played.gateway.admin_address)
    async with command("server", "drain", "api", played.first.url, "--wait", *admin) as waiting:
        await until(lambda: played.shown(played.first)["draining"], "it drains", 15)
        asked = played.gateway.health()["services"]["api"][0]["in_flight"]
        assert (asked, waiting.process.returncode) == (1, None)
        await there.send(OK)
        assert (await client.message()).status == 200
        assert await waiting.ended() == 0
        assert waiting.out == [f"{played.first.url}: drained, nothing is in flight"]
        assert waiting.err == [], "no progress is shown to nobody"


async def test_waiting_no_longer(played: Pair) -> None:
    """1 when the time is over, and the endpoint goes on draining; nothing is cut."""
    client, there = await played.at_first()
    code, out, errors = await played.server("drain", "api", played.first.url, "--wait", "--timeout", "300ms")
    assert (code, out) == (1, "")
    assert errors == (f"a3sgw: {played.first.url} still has 1 request in flight after 0.3 s, and goes on draining")
    assert played.shown(played.first)["draining"]
    await there.send(OK)
    assert (await client.message()).status == 200


async def test_enabled_by_somebody_else(played: Pair) -> None:
    """Whoever waits is told, instead of waiting for what will not come."""
    await played.at_first()
    admin = ("--admin", played.gateway.admin_address)
    async with command("server", "drain", "api", played.first.url, "--wait", *admin) as waiting:
        await until(lambda: played.shown(played.first)["draining"], "it drains", 15)
        played.gateway.drain("api", played.first.url, False)
        assert await waiting.ended() == 1
        assert waiting.err == [f"a3sgw: {played.first.url} does not drain any more: somebody has enabled it"]


async def test_the_gateway_ends_meanwhile(played: Pair) -> None:
    """3: nobody knows any more what is in flight."""
    await played.at_first()
    admin = ("--admin", played.gateway.admin_address)
    async with command("server", "drain", "api", played.first.url, "--wait", *admin) as waiting:
        await until(lambda: played.shown(played.first)["draining"], "it drains", 15)
        await played.gateway.shutdown()
        assert await waiting.ended() == 3
        assert "cannot ask the management API" in waiting.err[0]


async def test_progress_on_a_terminal(played: Pair) -> None:
    """Who looks sees what it waits for."""
    client, there = await played.at_first()
    ours, theirs = os.openpty()
    arguments = ("server", "drain", "api", played.first.url, "--wait", "--admin", played.gateway.admin_address)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "a3sgw", *arguments), stdout=asyncio.subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    seen = await asyncio.to_thread(os.read, ours, 1000)
    assert f"{played.first.url}: 1 request in flight" in seen.decode()
    await there.send(OK)
    assert (await client.message()).status == 200
    assert process.stdout is not None
    assert (await process.stdout.read()).decode() == f"{played.first.url}: drained, nothing is in flight\n"
    assert await process.wait() == 0
    os.close(ours)


async def test_nobody_there() -> None:
    """3, and how to turn it on."""
    address = f"127.0.0.1:{free_port()}"
    code, out, errors = await run("server", "list", "--admin", address)
    assert (code, out) == (3, "")
    assert f"cannot ask the management API at {address}" in errors
    assert 'help: is the gateway running, with admin { address = "127.0.0.1:9090" }' in errors


async def test_somebody_else_there() -> None:
    """An address where something else answers is none of the management API."""
    async with Origin() as other:
        other.always()
        code, _, errors = await run("server", "list", "--admin", f"127.0.0.1:{other.port}")
    assert code == 3
    assert f"what answers at 127.0.0.1:{other.port} is not the management API (status 200)" in errors


async def test_the_address_of_a_configuration(tmp_path: Path) -> None:
    """It is found in the configuration of the gateway, whatever it is: a unix socket here."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text("http://127.0.0.1:1", admin=f"unix:{tmp_path}/admin.sock"))
    gateway = Gateway(path)
    await gateway.start()
    code, out, errors = await run("server", "weight", "api", "127.0.0.1:1", "7", "--config", path)
    assert (code, out, errors) == (0, "http://127.0.0.1:1: healthy, weight 7, 0 requests in flight", "")
    code, out, _ = await run("--config", path, "server", "list")
    assert code == 0
    assert "weight 7" in out
    await gateway.shutdown()


def test_configurations_without_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is broken, has no management API, or leaves the port to the system: what to do instead."""
    path = tmp_path / "gateway.hcl"
    for written, code, said in (
        ("entrypionts {}\n", 1, "gateway.hcl:1:1: error"),
        ('entrypoints "web" { address = ":80" }\n', 3, "has no management API\n  help: "),
        (text("http://127.0.0.1:1"), 2, "give --admin"),
    ):
        path.write_text(written)
        assert main(["server", "list", "--config", str(path)]) == code
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["drain", "api"], "URL"),
        (["weight", "api", "u", "70000"], "0 to 65535"),
        (["weight", "api", "u", "-1"], "N|default"),
        (["drain", "api", "u", "--wait", "--timeout", "soon"], "is not a duration"),
        (["list", "--admin", "nowhere"], "is not an address"),
        (["list", "--admin", ":1", "--config", "x"], "not allowed with"),
        ([], "action"),
    ],
    ids=str,
)
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """2, and which argument it is."""
    with pytest.raises(SystemExit) as ended:
        main(["server", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_timeout_without_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """It would mean nothing, so it is refused instead of being ignored."""
    assert main(["server", "drain", "api", "u", "--timeout", "5"]) == 2
    assert "--timeout is for --wait" in capsys.readouterr().err


def test_help_shows_a_rolling_restart(capsys: pytest.CaptureFixture[str]) -> None:
    """Drain, restart, enable: in this order, with the options that make it safe."""
    with pytest.raises(SystemExit):
        main(["server", "--help"])
    out = capsys.readouterr().out
    assert 0 < out.index("drain api http://$host:8080 --wait --timeout") < out.index("enable api http://$host:8080")


async def test_why_one_is_out() -> None:
    """An endpoint that is not well is listed with what its last probe has found."""
    check = 'health_check {\n interval = "20ms"\n unhealthy_threshold = 1\n}'
    hcl = config("unix:/nowhere", balancer=check, more='admin { address = "127.0.0.1:0" }')
    async with gateway(hcl) as running:
        await until(lambda: endpoint(running, "unix:/nowhere")["health"] == "unhealthy", "it is out")
        _, out, _ = await run("server", "list", "--admin", running.gateway.admin_address)
    assert re.search(r"unix:/nowhere  unhealthy, .*cannot connect", out)
