"""Reading CPU time and memory of a process family from /proc."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from benchmarks.cpu import cpu_nanoseconds, family, resident_bytes


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Process 10 with two threads, the second of which started 20, which started 30; 40 is a stranger."""

    def process(pid: int, threads: dict[int, tuple[int, str]], kilobytes: int) -> None:
        for thread, (nanoseconds, children) in threads.items():
            task = tmp_path / str(pid) / "task" / str(thread)
            task.mkdir(parents=True)
            (task / "schedstat").write_text(f"{nanoseconds} 999 7\n")
            (task / "children").write_text(children)
        (tmp_path / str(pid) / "smaps_rollup").write_text(
            f"0-1 ---p\nRss: 9999 kB\nPss:   {kilobytes} kB\nPss_Anon: 1 kB\n"
        )

    process(10, {10: (1, ""), 11: (20, "20 ")}, 100)
    process(20, {20: (300, "30 ")}, 10)
    process(30, {30: (4000, "")}, 1)
    process(40, {40: (50000, "")}, 1000)
    return tmp_path


def test_family_sums(proc: Path) -> None:
    """Children of any thread, and their children, are counted with their parent; strangers are not."""
    assert family(10, proc) == [10, 20, 30]
    assert cpu_nanoseconds(10, proc) == 4321
    assert resident_bytes(10, proc) == 111 * 1024


def test_ended_processes_count_nothing(proc: Path) -> None:
    """A process that ends while it is looked at is no error."""
    assert cpu_nanoseconds(99, proc) == 0
    assert resident_bytes(99, proc) == 0


def test_own_process() -> None:
    """On the real /proc, burning CPU shows as time passes."""
    before = cpu_nanoseconds(os.getpid())
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    assert cpu_nanoseconds(os.getpid()) - before >= 5_000_000
    assert resident_bytes(os.getpid()) > 1_000_000
