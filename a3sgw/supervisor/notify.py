"""Tells a service manager how things are (sd_notify(3)): one datagram to a socket it names."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable

_PATIENCE = 0.2
"""Seconds a manager has to take a message."""


def notify(state: str) -> None:
    """Send `state`, e.g. ``READY=1``; nothing happens without a manager. RELOADING carries the monotonic time."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if state.startswith("RELOADING"):
        state += f"\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        # A manager that does not read must not hold up the gateway; what it misses of a watchdog comes again.
        manager.settimeout(0.0 if state.startswith("WATCHDOG") else _PATIENCE)
        try:
            manager.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return


def watchdog_seconds() -> float:
    """How often the manager wants to hear that all is well: half of what it waits (sd_watchdog_enabled(3)); 0 when it
    does not watch this process."""
    interval, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not interval.isdecimal() or whose not in ("", str(os.getpid())):
        return 0.0
    return int(interval) / 2e6


async def keep_watchdog_quiet(alive: Callable[[], bool]) -> None:
    """Say so for as long as `alive` does; returns at once when nobody watches."""
    seconds = watchdog_seconds()
    while seconds:
        if alive():
            notify("WATCHDOG=1")
        await asyncio.sleep(seconds)
