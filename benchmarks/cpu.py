"""CPU time and memory of a process and all its descendants, read from /proc."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def family(pid: int, proc: Path = PROC) -> list[int]:
    """`pid` and its living descendants."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for task in (proc / str(parent) / "task").glob("*"):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue  # ended meanwhile
    return found


def cpu_nanoseconds(pid: int, proc: Path = PROC) -> int:
    """Time on a CPU in nanoseconds, user and system, of every living thread of the family.

    The first field of schedstat; /proc/<pid>/stat counts in ticks of 10 ms, too coarse for short rounds.
    """
    total = 0
    for member in family(pid, proc):
        for task in (proc / str(member) / "task").glob("*"):
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue
    return total


def resident_bytes(pid: int, proc: Path = PROC) -> int:
    """Memory of the family in bytes, shared pages divided among those who share them (Pss)."""
    total = 0
    for member in family(pid, proc):
        try:
            lines = (proc / str(member) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return total
