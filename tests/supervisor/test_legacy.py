"""Two versions of a gateway, each at its end of a real socket pair."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from time import monotonic

import pytest

from a3sgw.control.channel import Channel
from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Certificate,
    Commit,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    LogLevel,
    Pushed,
    encode,
)
from a3sgw.control.pushed import State
from a3sgw.supervisor import legacy
from a3sgw.supervisor.legacy import Heir, Legacy
from tests.support.live import until

URL = "http://10.0.0.7:80"
Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Of the version before, and of the next one."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def state(*messages: Pushed) -> State:
    """One that has taken these."""
    made = State()
    for message in messages:
        made.take(message)
    return made


async def test_what_is_told(ends: Ends) -> None:
    """What operators have said and what traffic has shown; not what each version finds out by itself, nor keys."""
    known: list[Pushed] = [
        EndpointDrain("api", URL, True),
        EndpointWeight("api", URL, 3),
        Ejection("api", URL, monotonic() + 60),
        BreakerState("api", "", "open"),
    ]
    others: list[Pushed] = [
        EndpointHealth("api", URL, "unhealthy"),
        Addresses("api", "http://api.example", [("10.0.0.7", 80, 1)]),
        Certificate(["a.example"], b"chain", b"key"),
        LogLevel("debug"),
    ]
    heard: list[Pushed] = []
    left = Legacy(ends[0], state(*others, *known))
    heir = Heir(ends[1], heard.append)
    await heir.told()
    assert heard == known
    heir.close()
    left.close()


async def test_later_news(ends: Ends) -> None:
    """Somebody may drain an endpoint while the next version starts: that one hears of it, until the end."""
    before, after = state(), state()
    left = Legacy(ends[0], before)
    heir = Heir(ends[1], after.take)
    await heir.told()
    assert after.all() == []
    news = EndpointDrain("api", URL, True)
    before.take(news)
    await until(lambda: after.all() == [news], "it has heard of it")
    left.close()
    before.take(EndpointDrain("api", URL, False))
    assert before.listeners == []
    left.close()
    heir.close()


async def test_there_is_much_to_tell(ends: Ends) -> None:
    """More than a socket holds, before anybody listens: all of it arrives."""
    known = [EndpointDrain("api", f"http://10.0.{number // 250}.{number % 250}:80", True) for number in range(5000)]
    left = Legacy(ends[0], state(*known))
    heard: list[Pushed] = []
    heir = Heir(ends[1], heard.append)
    await heir.told()
    assert heard == known
    heir.close()
    left.close()


async def test_what_is_not_understood(ends: Ends) -> None:
    """Messages of a version that knows of more, or that say something else, are ignored; those after them count."""
    heard: list[Pushed] = []
    channel = Channel(ends[0], lambda body, descriptors: None, lambda reason: None)
    drain = EndpointDrain("api", URL, True)
    for body in (b"\xc1", b"\x81\xa4type\xa6Future", encode(Commit(1)), encode(drain), b""):
        channel.send(body)
    heir = Heir(ends[1], heard.append)
    await heir.told()
    assert heard == [drain]
    heir.close()
    channel.close()


@pytest.mark.parametrize("said", [b"", struct.pack("<IHH", 4, 999, 0) + b"what"], ids=["nothing", "another language"])
async def test_a_version_that_cannot_tell(ends: Ends, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It ends, or speaks in another way: the next one says so and starts without."""
    ends[0].send(said)
    ends[0].shutdown(socket.SHUT_WR)
    heir = Heir(ends[1], lambda message: None)
    await heir.told()
    assert "what the version before knows of endpoints is lost" in caplog.text
    heir.close()


async def test_a_version_that_is_silent(
    ends: Ends, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it for long."""
    monkeypatch.setattr(legacy, "_PATIENCE", 0.05)
    heir = Heir(ends[1], lambda message: None)
    async with asyncio.timeout(5):
        await heir.told()
    assert "has not told" in caplog.text
    heir.close()


async def test_requests_that_still_run(ends: Ends) -> None:
    """They are counted at the next version as long as the one before is there."""
    told = Legacy(ends[0], state())
    heir = Heir(ends[1], lambda message: None)
    told.running({"api": {URL: 2}})
    await until(lambda: heir.in_flight == {"api": {URL: 2}}, "they are known")
    told.close()
    await until(lambda: heir.in_flight == {}, "they are over")
    heir.close()
