"""Telling a service manager, which is a datagram socket."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from a3sgw.supervisor.notify import keep_watchdog_quiet, notify, watchdog_seconds
from a3sgw.tasks import spawn


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where this process is told to send its state."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield one


def test_a_state(manager: socket.socket) -> None:
    """One datagram with the text as it is."""
    notify("READY=1")
    notify("STATUS=serving\nMAINPID=7")
    assert manager.recv(1000) == b"READY=1"
    assert manager.recv(1000) == b"STATUS=serving\nMAINPID=7"


def test_reloading(manager: socket.socket) -> None:
    """Says when it began, in microseconds of the monotonic clock, as Type=notify-reload wants (sd_notify(3))."""
    before = time.monotonic_ns() // 1000
    notify("RELOADING=1")
    match = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=([0-9]+)", manager.recv(1000))
    assert match is not None
    assert before <= int(match[1]) <= time.monotonic_ns() // 1000


def test_an_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An @ stands for the zero byte of a socket without a file (unix(7))."""
    name = f"a3sgw-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(f"\0{name}")
        one.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("STOPPING=1")
        assert one.recv(1000) == b"STOPPING=1"


@pytest.mark.parametrize("address", [None, "", "/no/such/socket"])
def test_nobody_is_there(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a manager nothing happens."""
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


@pytest.mark.parametrize(
    ("interval", "whose", "seconds"),
    [
        ("10000000", "", 5.0),
        ("10000000", "mine", 5.0),
        ("10000000", "1", 0.0),
        ("", "", 0.0),
        ("soon", "", 0.0),
        ("-1", "", 0.0),
        ("0", "", 0.0),
    ],
)
def test_how_often(interval: str, whose: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice in the time the manager waits; never for a process that it does not watch."""
    monkeypatch.setenv("WATCHDOG_USEC", interval)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if whose == "mine" else whose)
    assert watchdog_seconds() == seconds


async def test_the_watchdog(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears nothing while all is not well, and is kept quiet for as long as it is."""
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    asked = 0
    enough = asyncio.Event()

    def alive() -> bool:
        nonlocal asked
        asked += 1
        if asked == 6:
            enough.set()
        return asked > 3

    task = spawn(keep_watchdog_quiet(alive), "watchdog")
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    manager.setblocking(False)
    heard = []
    while True:
        try:
            heard.append(manager.recv(1000))
        except BlockingIOError:
            break
    assert heard == [b"WATCHDOG=1"] * (asked - 3)
    assert len(heard) >= 2


async def test_no_watchdog(manager: socket.socket) -> None:
    """Then there is nothing to do."""
    async with asyncio.timeout(10):
        await keep_watchdog_quiet(lambda: True)
