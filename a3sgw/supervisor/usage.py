"""What a process uses, from proc(5)."""

from __future__ import annotations

import os
from pathlib import Path

from a3sgw.supervisor.pulse import processor_seconds

_PAGE = os.sysconf("SC_PAGE_SIZE")


def usage(pid: int, proc: Path = Path("/proc")) -> tuple[float, int, int]:
    """(processor seconds, resident bytes, open descriptors); zeros for a process that has ended."""
    try:
        resident = int((proc / str(pid) / "statm").read_text().split()[1]) * _PAGE
        descriptors = len(os.listdir(proc / str(pid) / "fd"))
    except OSError:
        return 0.0, 0, 0
    return processor_seconds(pid, proc)[1], resident, descriptors
