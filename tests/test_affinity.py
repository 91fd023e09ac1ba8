"""Workers bound to cores, in processes of their own so that the tests keep theirs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BIND = """
import os, sys
from a3sgw.affinity import bind
bind(int(sys.argv[1]))
print(*os.sched_getaffinity(0))
"""


@pytest.mark.parametrize("worker", [0, 1, 7])
def test_each_worker_has_its_core(worker: int) -> None:
    """Worker n runs on the n-th CPU that is allowed here, and after the last comes the first."""
    allowed = sorted(os.sched_getaffinity(0))
    shown = subprocess.run([sys.executable, "-c", BIND, str(worker)], capture_output=True, check=True).stdout
    assert shown.split() == [str(allowed[worker % len(allowed)]).encode()]
