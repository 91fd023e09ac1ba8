"""How many workers "auto" means: one per core this process may keep busy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cores() -> int:
    """CPUs this process may run on, fewer when a cgroup allows less of their time (rounded up); at least 1."""
    return fewest(len(os.sched_getaffinity(0)), quota())


def fewest(allowed: int, limit: float) -> int:
    """Whole cores for so many CPUs and so much time of them."""
    return max(1, min(allowed, math.ceil(limit))) if limit < math.inf else max(1, allowed)


def quota(root: Path = Path("/")) -> float:
    """Seconds of CPU per second that control groups leave to this process; infinity without a limit.

    The tightest of its own group and all above it that can be seen: a container's limit is often set on an outer one.
    `root` is where /proc and /sys are.
    """
    try:
        listed = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    mounts = root / "sys/fs/cgroup"
    limits = [math.inf]
    for line in listed:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            limits += (_unified(group) for group in _upwards(mounts, path))
        elif "cpu" in controllers.split(","):
            for mounted in {controllers, "cpu"}:
                limits += (_legacy(group) for group in _upwards(mounts / mounted, path))
    return min(limits)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The group and those above it. Inside a container the path may be the host's, of which only the top is there."""
    inner = PurePosixPath(path.lstrip("/"))
    for group in (inner, *inner.parents):
        if ".." not in group.parts:
            yield mount / group


def _unified(group: Path) -> float:
    """`cpu.max`: microseconds, or "max", and the period (kernel: admin-guide/cgroup-v2)."""
    words = _read(group / "cpu.max").split()
    return _share(words[0], words[1]) if len(words) == 2 else math.inf


def _legacy(group: Path) -> float:
    """The same in two files; -1 is no limit (kernel: scheduler/sched-bwc)."""
    return _share(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us"))


def _share(time: str, period: str) -> float:
    if time.strip().isdigit() and period.strip().isdigit() and int(time) and int(period):
        return int(time) / int(period)
    return math.inf


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
