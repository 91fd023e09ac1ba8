"""What process listings show, asked of the kernel about a real process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHOW = """
import sys
from a3sgw.title import set_title
set_title(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_title_is_shown() -> None:
    """The command line of the process is its role, the short name begins with it."""
    with subprocess.Popen(
        [sys.executable, "-c", SHOW, "worker 1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        about = Path(f"/proc/{process.pid}")
        assert about.joinpath("cmdline").read_bytes().rstrip(b"\0") == b"a3sgw: worker 1"
        assert about.joinpath("comm").read_text() == "a3sgw: worker 1\n"
        process.communicate(b"", 10)
        assert process.returncode == 0
