"""Tells a service manager how things are (sd_notify(3)): one datagram to a socket it names."""

from __future__ import annotations

import os
import socket
import time


def notify(state: str) -> None:
    """Send `state`, e.g. ``READY=1``; nothing happens without a manager. RELOADING carries the monotonic time."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if state.startswith("RELOADING"):
        state += f"\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return
