"""How many files and connections this process and its children may have open."""

from __future__ import annotations

import resource
from contextlib import suppress


def raise_limit() -> None:
    """As many as the hard limit allows: the soft one, usually 1,024, is low for the sake of select(2), which nothing
    here uses with many descriptors (systemd's notes on file descriptor limits advise the same)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # an unlimited hard limit may be more than the kernel allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
