"""What the kernel has to offer: descriptors of processes, enough descriptors, and the first three."""

from __future__ import annotations

import os
import resource
from contextlib import suppress


def has_process_descriptors() -> bool:
    """Whether workers can be watched and ended without mistaking another process for them (pidfd_open(2))."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def open_standard_streams() -> None:
    """Give a process that was started without standard input, output or error (``<&-``) /dev/null instead.

    Otherwise the next sockets get their numbers, which libuv refuses to close.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one


def raise_limit() -> None:
    """As many files and connections as the hard limit allows.

    The soft one, usually 1,024, is low for the sake of select(2), which nothing here uses with many descriptors
    (systemd's notes on file descriptor limits advise the same).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # an unlimited hard limit may be more than the kernel allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
