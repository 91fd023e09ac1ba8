"""Whether a silent worker is hung, or only does not get a processor."""

from __future__ import annotations

import os
from pathlib import Path

SILENCE = 1.0
"""Seconds without a heartbeat (there are five in each) after which a worker is looked at."""
_UNEASY = 0.4
"""From then on it is looked at what it does; not before, because there may be many workers."""
_BUSY = 0.3
"""Processor seconds between the two that are no lack of processors."""
STARVED = 10.0
"""Seconds of silence that no lack of processors excuses."""
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int, proc: Path = Path("/proc")) -> tuple[str, float]:
    """The state of a process ("R", "S", "D", "T" …, proc(5)) and the processor time it has used; ("", 0.0) without
    one."""
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return "", 0.0
    fields = text.rpartition(")")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / _TICKS


class Pulse:
    """Asked again and again about one silent process: `verdict` says why it is hung, or "" as long as it may not be."""

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._pid = pid
        self._proc = proc
        self._heard = -1.0
        self._used = 0.0
        self.stopped = False
        """A signal or a debugger keeps it from running; known with the verdict."""

    def verdict(self, heard_at: float, now: float) -> str:
        """`heard_at` and `now` are on one clock, in seconds.

        A machine with too little processor time or memory makes a worker late without fault: it is ready to run ("R")
        or waits for a disk ("D") and has used little since its last heartbeat. One that waits for something else, is
        stopped, or has used its time and still said nothing will not come back by itself.
        """
        silent = now - heard_at
        if silent >= _UNEASY and heard_at != self._heard:
            self._heard = heard_at
            self._used = processor_seconds(self._pid, self._proc)[1]
        if silent < SILENCE:
            return ""
        state, used = processor_seconds(self._pid, self._proc)
        spent = used - self._used
        if state in ("R", "D") and spent < _BUSY and silent < STARVED:
            return ""
        self.stopped = state in ("T", "t")
        what = {"T": "it is stopped", "t": "it is being traced", "D": "it waits for a disk", "S": "it waits"}
        return f"no heartbeat for {silent:.1f} s: {what.get(state, f'it has used {spent:.1f} s of processor time')}"
