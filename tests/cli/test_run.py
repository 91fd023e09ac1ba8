"""The command that runs the gateway, as a process: exit codes, messages, signals and the service manager."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from a3sgw import __version__
from tests.support.live import GET, dial, fetch, hcl, refused, until
from tests.support.origin import OK, Origin
from tests.support.process import Command, command, run


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as one:
        yield one


@pytest.fixture
def path(tmp_path: Path, origin: Origin) -> Path:
    """A sound configuration."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url))
    return path


async def ready(running: Command) -> dict[str, Any]:
    """The ready line of a gateway that logs JSON; `web` is where it listens."""
    line: dict[str, Any] = json.loads(await running.line('"ready"'))
    line["web"] = dict(one.split("=") for one in line["entrypoints"].split(", "))["web"]
    return line


# Usage...


async def test_help_teaches() -> None:
    """What to type first, what signals do, what exit codes mean."""
    code, out, err = await run("--help")
    assert (code, err) == (0, "")
    for taught in ("a3sgw demo", "a3sgw validate --config", "a3sgw --config", "HUP", "USR1", "TERM", "3 an address"):
        assert taught in out
    assert await run("validate", "--help") != (2, "", "")


async def test_version() -> None:
    """The version and nothing else."""
    assert await run("--version") == (0, f"a3sgw {__version__}", "")


async def test_no_arguments() -> None:
    """The help, and 2, since nothing was asked for."""
    code, out, _ = await run()
    assert code == 2
    assert "a3sgw demo" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--log-level", "info"], "--config"),
        (["--config"], "expected one argument"),
        (["--confg=x.hcl"], "--confg"),
        (["--config", "x.hcl", "--log-level", "loud"], "loud"),
        (["--config", "x.hcl", "--workers", "0"], "not 0"),
        (["--config", "x.hcl", "--workers", "2000"], "from 1 to 1024"),
        (["--config", "x.hcl", "--workers", "many"], '"auto"'),
        (["--config", "x.hcl", "--workers", " 4 "], "not  4 "),
        (["--config", "x.hcl", "--workers", "1_0"], "not 1_0"),
        (["--config", "x.hcl", "--workers", "\N{ARABIC-INDIC DIGIT FOUR}"], '"auto"'),
        (["--config", "x.hcl", "--workers", ""], '"auto"'),
        (["validate"], "--config"),
    ],
)
async def test_wrong_usage(arguments: list[str], says: str) -> None:
    """2, and what was wrong."""
    code, _, err = await run(*arguments)
    assert code == 2
    assert says in err


# Configurations that cannot be used...


async def test_a_broken_configuration(path: Path) -> None:
    """1, with every diagnostic on standard error: place, source line, caret, help."""
    path.write_text(path.read_text().replace("rule  ", "ruel  ") + "workrs = 2\n")
    code, out, err = await run("--config", path)
    assert (code, out) == (1, "")
    assert re.search(rf"^{re.escape(str(path))}:7:3: error: ", err, re.MULTILINE)
    assert re.search(r"^ +7 \|   ruel .*\n +\|   \^\^\^\^$", err, re.MULTILINE)
    assert 'did you mean "rule"' in err
    assert 'unknown key "workrs"' in err


async def test_a_broken_rule(path: Path) -> None:
    """Points into the rule."""
    path.write_text(path.read_text().replace("PathPrefix(`/`)", "PathPrefix(`/`) && Hots(`a`)"))
    code, _, err = await run("--config", path)
    assert code == 1
    column = path.read_text().splitlines()[6].index("Hots") + 1
    assert f"{path}:7:{column}: error:" in err
    assert " " * (column - 1) + "^^^^" in err
    assert 'did you mean "Host"' in err or "Host" in err.partition("help: ")[2]


async def test_what_is_not_supported_yet(path: Path) -> None:
    """1, with the name and the place of each."""
    path.write_text(
        path.read_text()
        + 'services "x" {\n  load_balancer { servers = [{ url = "a:1" }] }\n  scaling { max_replicas = 2 }\n}\n'
    )
    line = path.read_text().count("\n") - 1
    code, _, err = await run("--config", path)
    assert code == 1
    assert "not supported yet: services.x.scaling" in err
    assert f"{path}:{line}:3" in err


async def test_no_configuration(tmp_path: Path) -> None:
    """A file that is not there is a configuration error that names it."""
    code, _, err = await run("--config", tmp_path / "gone.hcl")
    assert code == 1
    assert "gone.hcl" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", ["entrypoint", "admin"])
async def test_an_address_in_use(path: Path, kind: str) -> None:
    """3, naming the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        where = 'admin { address = "' if kind == "admin" else '"web" { address = "'
        path.write_text(path.read_text().replace(f"{where}127.0.0.1:0", f"{where}{address}"))
        code, _, err = await run("--config", path)
    assert code == 3
    assert f"cannot listen on {address}" in err
    assert "Traceback" not in err


# Running...


async def test_ready_means_accepting(path: Path, origin: Origin) -> None:
    """Once the line is out every entrypoint and the management API answer."""
    origin.always()
    async with command("--config", path, "--log-format", "json") as running:
        line = await ready(running)
        assert line["level"] == "info"
        assert line["routers"] == 1
        assert (await fetch(line["web"])).status == 200
        assert (await fetch(line["admin"], "/ready")).status == 200
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
        assert running.out == []
        assert [json.loads(one)["message"] for one in running.err] == ["ready", "stopping"]


async def test_the_log_can_be_quiet(path: Path) -> None:
    """The command line's level counts more than the configuration's."""
    path.write_text(path.read_text() + 'log { level = "debug" }\n')
    async with command("--config", path, "--log-level", "error") as running:
        await until(lambda: _answers(path, running), "it runs", within=10)
        running.send(signal.SIGINT)
        assert await running.ended() == 0
        assert running.err == []


async def _answers(path: Path, running: Command) -> bool:
    """Whether the process has installed its handler for HUP, which it does when everything is open."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    caught = int(re.findall(r"SigCgt:\s*(\w+)", status)[0], 16)
    return bool(caught & (1 << (signal.SIGHUP - 1)))


async def test_stopping_drains(path: Path, origin: Origin) -> None:
    """After TERM the running request is answered, new connections are refused, and the exit code is 0."""
    # One worker: of several, one may refuse already while the one with the request has not been told yet.
    async with command("--config", path, "--log-format", "json", "--workers", "1") as running:
        address = (await ready(running))["web"]
        client = await dial(address)
        await client.send(GET)
        there = await origin.accept()
        await there.message()
        running.send(signal.SIGTERM)
        await running.line('"stopping"')
        await until(lambda: refused(address), "new connections are refused")
        await there.send(OK)
        answer = await client.message()
        assert (answer.status, answer.get(b"connection")) == (200, b"close")
        assert await running.ended() == 0
        client.close()


async def test_stopping_has_a_limit(path: Path, origin: Origin) -> None:
    """What still runs after `shutdown_timeout_secs` is cut, and said."""
    path.write_text(path.read_text().replace("timeout_secs = 1", 'timeout_secs = "100ms"'))
    async with command("--config", path, "--log-format", "json") as running:
        client = await dial((await ready(running))["web"])
        await client.send(GET)
        await (await origin.accept()).message()
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
        assert json.loads(running.err[-1])["connections"] == 1
        client.close()


async def test_hup_reloads(path: Path, origin: Origin) -> None:
    """Also when nothing is watched; a broken file is reported with its place."""
    origin.always()
    off = "providers {\n  file { watch = false }\n}\n"
    path.write_text(hcl(origin.url, "1", off))
    async with command("--config", path, "--log-format", "json") as running:
        address = (await ready(running))["web"]
        path.write_text(hcl(origin.url, "2", off))
        running.send(signal.SIGHUP)
        await running.line("configuration reloaded")
        assert (await fetch(address)).get(b"x-version") == b"2"
        path.write_text(hcl(origin.url, "3", off).replace("rule ", "ruel "))
        running.send(signal.SIGHUP)
        assert f"{path}:7:3: unknown key" in await running.line("refused")
        assert (await fetch(address)).get(b"x-version") == b"2"


async def test_usr1_reopens_logs(path: Path, origin: Origin, tmp_path: Path) -> None:
    """Both logs follow a rotation."""
    origin.always()
    access, own = tmp_path / "access.log", tmp_path / "own.log"
    text = path.read_text().replace("enabled = false", f'file = "{access}"')
    path.write_text(f'{text}log {{\n  file = "{own}"\n  format = "json"\n}}\n')
    async with command("--config", path) as running:
        await until(lambda: own.exists() and "ready" in own.read_text(), "it runs", within=10)
        address = dict([json.loads(own.read_text())["entrypoints"].split("=")])["web"]
        await fetch(address, "/old")
        access.rename(tmp_path / "access.1")
        own.rename(tmp_path / "own.1")
        running.send(signal.SIGUSR1)
        await until(lambda: access.exists() and own.exists(), "the new files are there")
        await fetch(address, "/new")
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
    assert '"/old"' in (tmp_path / "access.1").read_text()
    assert '"/new"' in access.read_text()
    assert '"/new"' not in (tmp_path / "access.1").read_text()
    assert "stopping" in own.read_text()


async def test_the_log_block_is_live(path: Path, tmp_path: Path) -> None:
    """Level, format and file of the own log change with an edit; one that cannot be opened changes nothing."""
    own = tmp_path / "own.log"
    text = path.read_text()
    async with command("--config", path) as running:
        await running.line("ready")
        path.write_text(f'{text}log {{\n  file = "{tmp_path}/no/own.log"\n}}\n')
        assert "no/own.log" in await running.line("cannot write the log")
        path.write_text(f'{text}log {{\n  file = "{own}"\n  format = "json"\n}}\n')
        await until(lambda: own.exists() and "reloaded" in own.read_text(), "the log has moved")
        assert json.loads(own.read_text().splitlines()[0])["message"] == "configuration reloaded"


# The service manager...


class Manager:
    """The socket of a service manager."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.setblocking(False)

    async def told(self) -> list[str]:
        """The next message, line by line."""
        async with asyncio.timeout(10):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 4096)).decode().split("\n")


@pytest.mark.parametrize("abstract", [False, True])
async def test_the_service_manager_is_told(path: Path, tmp_path: Path, abstract: bool) -> None:
    """READY once it accepts, RELOADING with the time and READY again, STOPPING before the drain (sd_notify(3))."""
    address = f"@a3sgw-test-{tmp_path.name}-{time.monotonic_ns()}" if abstract else str(tmp_path / "notify")
    manager = Manager(address)
    async with command("--config", path, "--workers", "2", environment={"NOTIFY_SOCKET": address}) as running:
        assert await manager.told() == ["READY=1", "STATUS=2 workers, 1 routers"]
        before = time.monotonic_ns() // 1000
        running.send(signal.SIGHUP)
        reloading, stamp = await manager.told()
        assert reloading == "RELOADING=1"
        assert stamp.startswith("MONOTONIC_USEC=")
        assert before <= int(stamp.partition("=")[2]) <= time.monotonic_ns() // 1000
        assert await manager.told() == ["READY=1", "STATUS=2 workers, 1 routers"]
        path.write_text("broken")
        running.send(signal.SIGHUP)
        assert (await manager.told())[0] == "RELOADING=1"
        assert await manager.told() == ["READY=1", "STATUS=the new configuration was refused"]
        running.send(signal.SIGTERM)
        assert await manager.told() == ["STOPPING=1"]
        assert await running.ended() == 0
    manager.socket.close()
