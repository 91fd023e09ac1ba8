"""The demo: everything it prints is true."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.support.live import dial, fetch, until
from tests.support.process import Command, command, run
from tests.support.wire import Message


class Demo:
    """The running demo and the table it has printed: command → what it says to expect."""

    def __init__(self, running: Command) -> None:
        self.running = running
        lines = [line for line in running.out if line.startswith("  curl ")]
        self.table = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in lines)
        (told,) = [line for line in running.out if line.startswith("The configuration is ")]
        found = re.fullmatch(r"The configuration is (\S+), the access log (\S+)\.", told)
        assert found is not None
        self.config, self.log = Path(found[1]), Path(found[2])

    async def try_out(self, part: str) -> Message:
        """Do what the one line of the table with `part` says."""
        (line,) = [one for one in self.table if part in one]
        words = shlex.split(line)
        url = next(word for word in words if word.startswith("http://"))
        address, _, path = url.removeprefix("http://").partition("/")
        fields = "".join(f"{words[index + 1]}\r\n" for index, word in enumerate(words) if word == "-H")
        return await fetch(address, f"/{path}", fields)


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[Demo]:
    async with command("demo", "--port", "0") as running:
        await running.line("Ctrl-C")
        yield Demo(running)
        running.send(signal.SIGINT)
        assert await running.ended() == 0


def echoed(answer: Message) -> dict[str, Any]:
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def test_the_table(demo: Demo) -> None:
    """Each address answers as the line beside it says."""
    assert len(demo.table) == 7
    hello = echoed(await demo.try_out("/hello"))
    assert (hello["service"], hello["path"]) == ("blue", "/hello")
    assert hello["headers"]["x-forwarded-for"] == "127.0.0.1"

    answers = [await demo.try_out("/api/items") for _ in range(4)]
    assert {answer.get(b"x-served-by") for answer in answers} == {b"a3sgw"}
    assert {echoed(answer)["path"] for answer in answers} == {"/items"}
    services = [echoed(answer)["service"] for answer in answers]
    assert (services.count("blue"), services.count("green")) == (3, 1)

    assert echoed(await demo.try_out("/worlds/earth"))["service"] == "green"
    assert (await demo.try_out("/private")).status == 403
    nothing = await demo.try_out("/nothing")
    assert nothing.status == 404
    assert json.loads(nothing.body)
    assert echoed(await demo.try_out("/health/detailed"))["status"] == "healthy"
    assert b"a3sgw_router_requests_total" in (await demo.try_out("/metrics")).body
    await until(lambda: demo.log.exists() and "/worlds/earth" in demo.log.read_text(), "requests are in the log")


async def test_the_edits(demo: Demo) -> None:
    """The one it suggests opens /private without losing a connection; a broken one is named with its line."""
    (says,) = [line for line in demo.running.out if line.startswith("Edit it: ")]
    before, after = re.findall(r"`([^`]+)`", says)
    (url,) = re.findall(r"http://([^/]+)/private", " ".join(demo.table))
    kept = await dial(url)
    await kept.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await kept.message()).status == 200
    text = demo.config.read_text()
    assert text.count(before) == 1
    demo.config.write_text(text.replace(before, after))
    await demo.running.line("configuration reloaded")
    assert (await demo.try_out("/private")).status == 200
    await kept.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await kept.message()).status == 200
    kept.close()

    line = text[: text.index('"/api"]')].count("\n") + 1
    demo.config.write_text(text.replace('"/api"]', '"/api]'))
    assert "refused" in await demo.running.line(f"{demo.config}:{line}:")
    assert (await demo.try_out("/private")).status == 200


async def test_it_leaves_nothing_behind() -> None:
    """Its temporary directory goes with it."""
    async with command("demo", "--port", "0") as running:
        await running.line("Ctrl-C")
        config = Demo(running).config
        assert config.exists()
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
        assert not config.parent.exists()


async def test_a_directory_of_your_own(tmp_path: Path) -> None:
    """The file is written there, and stays."""
    async with command("demo", "--port", "0", "--directory", tmp_path / "new") as running:
        await running.line("Ctrl-C")
        assert Demo(running).config == tmp_path / "new" / "gateway.hcl"
        running.send(signal.SIGTERM)
        assert await running.ended() == 0
    assert (tmp_path / "new" / "gateway.hcl").exists()


async def test_a_port_in_use() -> None:
    """3, naming it, and nothing else runs on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = await run("demo", "--port", port)
    assert (code, out) == (3, "")
    assert f"127.0.0.1:{port}" in err
    assert "Traceback" not in err
