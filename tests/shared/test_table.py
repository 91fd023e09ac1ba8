"""The table as several attachments of one process use it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from a3sgw.shared.counters import WINDOW
from a3sgw.shared.memory import STRIPES
from a3sgw.shared.table import SharedTable

Attach = Callable[[], SharedTable]


@pytest.mark.parametrize(("rate", "burst"), [(100, 20), (100, 2), (37, 5)])
def test_four_ask_for_three_times_the_rate(attach: Attach, rate: int, burst: int) -> None:
    """In ten seconds they are admitted ten times the rate and the burst, together, within one in a hundred."""
    tables = [attach() for _ in range(4)]
    admitted = 0
    for turn in range(rate * 3 * 10):
        table = tables[turn % 4]
        table.now = lambda at=5000.0 + turn / (rate * 3): at  # type: ignore[misc]  # a clock that the test moves
        admitted += table.admit(b"client", rate, burst) == 0.0
    assert admitted == pytest.approx(rate * 10 + burst, rel=0.01)
    assert [table.state()["contended"] for table in tables] == [0, 0, 0, 0]


@pytest.mark.parametrize("burst", [-1, 0, 1])
def test_the_smallest_burst(table: SharedTable, burst: int) -> None:
    """One at once, however little is asked for."""
    table.now = lambda: 5000.0
    assert [table.admit(b"a", 4.0, burst) for _ in range(3)] == [0.0, 0.25, 0.25]


def test_keys_of_any_length(table: SharedTable) -> None:
    """Each is one of its own, for rates and for counters."""
    keys = [b"", b"\0", b"a", b"a" * 1000, b"a" * 1001, bytes(100_000)]
    for key in keys:
        assert table.admit(key, 0.001, 1) == 0.0
        assert table.acquire(key, 1)
    for key in keys:
        assert table.admit(key, 0.001, 1) > 0.0
        assert not table.acquire(key, 1)
        assert table.held(key) == 1


def test_ten_times_more_keys_than_slots(table: SharedTable) -> None:
    """Memory stays what it is; new keys are admitted, and what was forgotten for them is counted."""
    slots = 1024
    assert all(table.admit(b"%d" % number, 0.001, 1) == 0.0 for number in range(10 * slots))
    # Backwards, because a bucket of which more keys than it holds are asked in a circle forgets each just in time.
    last = range(10 * slots - 1, 9 * slots, -1)
    again = sum(table.admit(b"%d" % number, 0.001, 1) == 0.0 for number in last)
    assert table.state()["evicted"] == 9 * slots + again
    assert again < slots // 2
    assert os.fstat(table.descriptor).st_size < slots * 48 + 4 * 4096


def test_counting_across(table: SharedTable, attach: Attach) -> None:
    """A limit holds for all owners; one that is dead releases what it held."""
    one, two = attach(), attach()
    assert [each.acquire(b"a", 3) for each in (table, one, two, one)] == [True, True, True, False]
    two.release(b"a")
    two.release(b"a")
    assert one.acquire(b"a", 3)
    assert [each.held(b"a") for each in (table, one, two)] == [3, 3, 3]
    one.close()
    two.sweep()
    assert table.held(b"a") == 1


def test_nothing_is_lost_when_there_is_no_slot() -> None:
    """Who cannot be counted for all is admitted, counted here, reported, and balanced by its release."""
    table = SharedTable.create(WINDOW)
    other = SharedTable.attach(os.dup(table.descriptor), table.next_owner())
    held = [b"%d" % number for number in range(WINDOW)]
    for key in held:
        assert table.acquire(key, 1)
        assert not table.acquire(key, 1)
    assert [other.acquire(b"new", 2) for _ in range(3)] == [True, True, False]
    assert (table.state()["crowded"], other.state()["crowded"]) == (0, 2)
    assert (other.held(b"new"), table.held(b"new")) == (2, 0)
    for key in held:
        table.release(key)
    assert [other.acquire(b"new", 4) for _ in range(3)] == [True, True, False]
    seen = []
    for _ in range(5):
        seen.append((other.held(b"new"), table.held(b"new")))
        other.release(b"new")
    assert seen == [(4, 2), (3, 2), (2, 2), (1, 1), (0, 0)]
    assert other.state()["crowded"] == 2
    other.close()
    table.close()


def test_owners(table: SharedTable, attach: Attach) -> None:
    """Each gets a number of its own, also from another attachment; 0 is whoever made the table."""
    other = attach()
    assert (table.owner, other.owner) == (0, 1)
    assert [table.next_owner(), other.next_owner(), table.next_owner()] == [2, 3, 4]
    table._memory.owners = 2**31 - 2
    assert [table.next_owner(), table.next_owner()] == [2**31 - 1, 1]


def test_the_header_is_locked(table: SharedTable, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number is not given out on a guess."""
    other = attach()
    monkeypatch.setattr("a3sgw.shared.table._HEADER_PATIENCE", 0.0)
    assert other.mutexes.take(STRIPES)
    with pytest.raises(TimeoutError):
        table.next_owner()
    other.mutexes.give(STRIPES)
    assert table.next_owner() == 2


def test_every_lock_is_given_back(table: SharedTable) -> None:
    """Whatever the answer was."""
    for number in range(2000):
        table.admit(b"%d" % (number % 700), 0.01, 1)
        table.acquire(b"%d" % (number % 1500), 1)
    taken = [stripe for stripe in range(STRIPES + 1) if table.mutexes.take(stripe)]
    for stripe in taken:
        table.mutexes.give(stripe)
    assert len(taken) == STRIPES + 1
    assert table.state()["contended"] == 0


def test_keys_are_spread_by_a_secret(table: SharedTable) -> None:
    """Another table puts the same keys elsewhere, so nobody can aim at a bucket."""
    other = SharedTable.create(1024)
    keys = [b"%d" % number for number in range(100)]
    assert [table._place(key, 32)[1] for key in keys] != [other._place(key, 32)[1] for key in keys]
    other.close()


def test_a_descriptor_that_is_no_table() -> None:
    """ValueError, and it is still the caller's."""
    with open("/dev/null", "rb") as file, pytest.raises(ValueError, match="not a shared table"):
        SharedTable.attach(file.fileno(), 1)


def test_the_end() -> None:
    """The descriptor is closed once, however often it is said."""
    before = set(os.listdir("/proc/self/fd"))
    table = SharedTable.create(1)
    table.close()
    table.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_only_the_living_hold_anything(table: SharedTable) -> None:
    """Whoever sweeps, nobody alive loses anything, the sweeper included, and the dead keep nothing."""
    living, dead = (SharedTable.attach(os.dup(table.descriptor), table.next_owner()) for _ in range(2))
    for one in (table, living, dead, dead):
        assert one.acquire(b"key", 0)
    for sweeper in (table, living):
        sweeper.sweep()
    assert table.held(b"key") == 4
    dead.close()
    living.sweep()
    assert table.held(b"key") == 2
    living.close()
    table.sweep()
    assert table.held(b"key") == 1


def test_what_is_locked_is_swept_later(table: SharedTable, attach: Attach) -> None:
    """Slots are not freed on a guess."""
    dead, holder = attach(), attach()
    assert dead.acquire(b"key", 0)
    dead.close()
    for stripe in range(STRIPES):
        assert holder.mutexes.take(stripe)
    table.sweep()
    assert table.held(b"key") == 1
    for stripe in range(STRIPES):
        holder.mutexes.give(stripe)
    table.mutexes._avoid_until = [0.0] * (STRIPES + 1)
    table.sweep()
    assert table.held(b"key") == 0


def test_nobody_lives_twice(table: SharedTable, attach: Attach) -> None:
    """An owner number in use is refused, and the descriptor is still the caller's."""
    one = attach()
    with pytest.raises(OSError, match="unavailable"):
        SharedTable.attach(table.descriptor, one.owner)
    os.fstat(table.descriptor)


def test_sweeping_after_the_end() -> None:
    """Is nothing."""
    table = SharedTable.create(1)
    table.close()
    table.sweep()
