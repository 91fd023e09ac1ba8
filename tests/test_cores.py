"""How many workers "auto" means."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from a3sgw.cores import cores, fewest, quota

UNIFIED = "0::/machine/box\n"
LEGACY = "4:memory:/box\n3:cpu,cpuacct:/machine/box\n2:cpuset:/\n0::/\n"


def tree(root: Path, groups: str, **files: str) -> Path:
    """A fake /proc and /sys; file names are written with "__" for "/" and "_" for "."."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/").replace("cpu_", "cpu.")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        (UNIFIED, {}, math.inf),
        (UNIFIED, {"machine__box__cpu_max": "max 100000"}, math.inf),
        (UNIFIED, {"machine__box__cpu_max": "150000 100000"}, 1.5),
        (UNIFIED, {"machine__box__cpu_max": "max 100000", "machine__cpu_max": "50000 100000"}, 0.5),
        (UNIFIED, {"machine__box__cpu_max": "200000 100000", "cpu_max": "300000 100000"}, 2.0),
        ("0::/\n", {"cpu_max": "250000 100000"}, 2.5),
        ("0::/not/seen/here\n", {"cpu_max": "250000 100000"}, 2.5),
        ("0::/../../outside\n", {"cpu_max": "250000 100000"}, 2.5),
        (UNIFIED, {"machine__box__cpu_max": "nonsense"}, math.inf),
        (UNIFIED, {"machine__box__cpu_max": "100000 0"}, math.inf),
        (LEGACY, {"cpu__machine__box__cpu_cfs_quota_us": "-1", "cpu__machine__box__cpu_cfs_period_us": "1"}, math.inf),
        (LEGACY, {"cpu__machine__box__cpu_cfs_quota_us": "30", "cpu__machine__box__cpu_cfs_period_us": "20"}, 1.5),
        (LEGACY, {"cpu,cpuacct__cpu_cfs_quota_us": "30", "cpu,cpuacct__cpu_cfs_period_us": "10"}, 3.0),
        ("2:cpuset:/\n", {"cpu__cpu_cfs_quota_us": "30", "cpu__cpu_cfs_period_us": "10"}, math.inf),
        ("", {"cpu_max": "250000 100000"}, math.inf),
    ],
)
def test_the_tightest_limit_counts(tmp_path: Path, groups: str, files: dict[str, str], limit: float) -> None:
    """Of both versions of control groups, the process's own and those above, as far as they can be seen."""
    assert quota(tree(tmp_path, groups, **files)) == limit


def test_without_proc_there_is_no_limit(tmp_path: Path) -> None:
    """Where nothing can be read, nothing is limited."""
    assert quota(tmp_path) == math.inf


@pytest.mark.parametrize(
    ("allowed", "limit", "expected"),
    [(8, math.inf, 8), (8, 1.5, 2), (8, 2.0, 2), (2, 7.5, 2), (4, 0.1, 1), (0, math.inf, 1)],
)
def test_whole_cores(allowed: int, limit: float, expected: int) -> None:
    """Part of a core is worth a worker, and there is always one."""
    assert fewest(allowed, limit) == expected


def test_this_machine() -> None:
    """Here it is something between one and the CPUs this process may run on."""
    assert 1 <= cores() <= len(os.sched_getaffinity(0))
