"""Binds workers to cores, so that each keeps its caches."""

from __future__ import annotations

import os


def bind(worker: int) -> None:
    """Run worker number `worker` (from 0) on one of the CPUs it may run on, counted round; OSError if that is refused.

    Child processes and threads made from now on are bound as well.
    """
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[worker % len(allowed)]})
