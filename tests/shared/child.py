"""A process that attaches to the table whose descriptor it inherits and does what its arguments say."""

from __future__ import annotations

import os
import signal
import sys

from a3sgw.shared.memory import KEY, STRIPES
from a3sgw.shared.table import SharedTable

NOW = 1000.0
"""What the clock of every child says, so that totals are exact however long they take."""
PATIENT = 60.0
"""Seconds to wait for a lock, so that a busy machine makes no difference."""


def attached() -> SharedTable:
    """The table of this process, patient, and at a time that stands still."""
    table = SharedTable.attach(int(sys.argv[2]), int(sys.argv[3]))
    table.now = lambda: NOW
    table.mutexes.patience = PATIENT
    return table


def say(text: object) -> None:
    """A line to the parent."""
    print(text, flush=True)


def hear() -> None:
    """Wait for a line from the parent, or for its end."""
    sys.stdin.readline()


def admit(table: SharedTable) -> None:
    """Ask 500 times for each of three keys, and say how often each was admitted."""
    keys = (b"a", b"b", b"c")
    say("ready")
    hear()
    counts = dict.fromkeys(keys, 0)
    for _ in range(500):
        for key in keys:
            counts[key] += table.admit(key, 100.0, 200) == 0.0
    say(" ".join(str(counts[key]) for key in keys))


def acquire(table: SharedTable) -> None:
    """Take what can be had of 100, give back half of it, say how much is left, and keep it."""
    say("ready")
    hear()
    for _ in range(20):
        mine = sum(table.acquire(b"a", 100) for _ in range(50))
        for _ in range(mine):
            table.release(b"a")
    say(sum(table.acquire(b"a", 100) for _ in range(50)))
    hear()


def hold(table: SharedTable) -> None:
    """Take every lock and keep them until told."""
    for number in range(STRIPES + 1):
        assert table.mutexes.take(number)
    say("held")
    hear()
    for number in range(STRIPES + 1):
        table.mutexes.give(number)
    say("given")
    hear()


def die_writing(table: SharedTable) -> None:
    """Be killed with half of a new key written, once for a rate and, in another process, once for a counter."""

    def half(slot: int, key: bytes) -> None:
        first = keys._start + slot * KEY
        table._memory.map[first : first + KEY // 2] = key[: KEY // 2]
        os.kill(os.getpid(), signal.SIGKILL)

    keys = (table._rates if sys.argv[4] == "rate" else table._counters)._keys
    keys.write = half  # type: ignore[method-assign]  # death comes in the middle of it
    if sys.argv[4] == "rate":
        table.admit(b"a", 1.0, 1)
    else:
        table.acquire(b"a", 1)


if __name__ == "__main__":
    {"admit": admit, "acquire": acquire, "hold": hold, "die-writing": die_writing}[sys.argv[1]](attached())
