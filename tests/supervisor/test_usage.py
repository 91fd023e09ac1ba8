"""What a process uses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from a3sgw.supervisor.usage import usage


def test_of_another_process() -> None:
    """Processor time, memory and descriptors of one that runs; nothing of one that has ended."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"there\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"there\n"
    seconds, resident, descriptors = usage(child.pid)
    assert 0 <= seconds < 60
    assert 100_000 < resident < 1_000_000_000
    assert descriptors >= 3
    child.communicate()
    assert usage(child.pid) == (0.0, 0, 0)


def test_the_numbers(tmp_path: Path) -> None:
    """Pages become bytes, ticks seconds, and files in the folder descriptors."""
    folder = tmp_path / "7"
    (folder / "fd").mkdir(parents=True)
    for name in "0123":
        (folder / "fd" / name).touch()
    (folder / "statm").write_text("900 25 3 4 0 5 0\n")
    ticks = os.sysconf("SC_CLK_TCK")
    (folder / "stat").write_text(f"7 (x) S {'0 ' * 10}{ticks} {2 * ticks} 0\n")
    assert usage(7, tmp_path) == (3.0, 25 * os.sysconf("SC_PAGE_SIZE"), 4)
