"""The table among real processes: exact totals, and what happens when one of them dies or stops."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from a3sgw.shared.memory import STRIPES
from a3sgw.shared.table import SharedTable
from tests.shared.child import NOW, PATIENT
from tests.shared.conftest import Child

Start = Callable[..., Child]


def all_at_once(children: list[Child]) -> list[str]:
    """Let them begin together; what each says at its end."""
    assert [one.hear() for one in children] == ["ready"] * len(children)
    for one in children:
        one.tell()
    return [one.hear() for one in children]


def test_a_rate_is_exact(table: SharedTable, child: Start) -> None:
    """Three processes asking at the same moment get a burst of 200 together, not each, for each key."""
    said = all_at_once([child("admit") for _ in range(3)])
    counts = [[int(count) for count in line.split()] for line in said]
    assert [sum(column) for column in zip(*counts, strict=True)] == [200, 200, 200]


def test_a_counter_is_exact(table: SharedTable, child: Start) -> None:
    """Three processes that take and give as fast as they can end up with 100 together, and lose none."""
    children = [child("acquire") for _ in range(3)]
    counts = [int(line) for line in all_at_once(children)]
    assert sum(counts) == table.held(b"a") == 100
    assert not table.acquire(b"a", 100)


def test_the_dead_are_forgiven(table: SharedTable, child: Start) -> None:
    """What a killed process held is released by whoever sweeps, and nothing else is."""
    children = [child("acquire") for _ in range(3)]
    counts = [int(line) for line in all_at_once(children)]
    gone = counts.index(max(counts))
    children[gone].end()
    assert table.held(b"a") == 100
    table.sweep()
    assert table.held(b"a") == 100 - counts[gone]
    table.sweep()
    assert table.held(b"a") == 100 - counts[gone]


def test_a_holder_that_is_killed(table: SharedTable, child: Start) -> None:
    """Its locks are taken over, one by one as they are needed."""
    holder = child("hold")
    assert holder.hear() == "held"
    holder.end()
    table.now = lambda: NOW
    assert table.admit(b"a", 1.0, 1) == 0.0
    assert table.admit(b"a", 1.0, 1) == 1.0
    assert table.acquire(b"a", 1)
    assert not table.acquire(b"a", 1)
    assert table.next_owner() == holder.owner + 1
    needed = {STRIPES, *(table._place(b"a", buckets)[1] % STRIPES for buckets in (4, 32))}
    assert (table.state()["recovered"], table.state()["contended"]) == (len(needed), 0)


@pytest.mark.parametrize("kind", ["rate", "counter"])
def test_a_writer_that_is_killed(table: SharedTable, child: Start, kind: str) -> None:
    """Half a key is no key: the slot is free, and the lock can be had."""
    writer = child("die-writing", kind)
    assert writer.process.wait() == -signal.SIGKILL
    table.now = lambda: NOW
    assert table.held(b"a") == 0
    assert table.acquire(b"a", 1)
    assert not table.acquire(b"a", 1)
    assert [table.admit(b"a", 1.0, 1) for _ in range(2)] == [0.0, 1.0]
    assert (table.state()["recovered"], table.state()["evicted"]) == (1, 0)


def test_a_holder_that_is_stopped(table: SharedTable, child: Start) -> None:
    """Others are admitted instead of waiting for it, which is counted; once it goes on, limits hold again."""
    holder = child("hold")
    assert holder.hear() == "held"
    holder.process.send_signal(signal.SIGSTOP)
    table.now = lambda: NOW
    assert [table.admit(b"a", 1.0, 1) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert [table.acquire(b"a", 1) for _ in range(2)] == [True, False]
    contended = table.state()["contended"]
    assert (contended, table.held(b"a")) == (4, 1)
    table.release(b"a")
    assert table.held(b"a") == 0
    table.mutexes.patience = PATIENT
    holder.process.send_signal(signal.SIGCONT)
    holder.tell()
    assert holder.hear() == "given"
    assert [table.admit(b"a", 1.0, 1) for _ in range(2)] == [0.0, 1.0]
    assert table.state()["contended"] == contended
