"""Rates over one bucket of slots, by a clock that the test moves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from a3sgw.shared.keys import Keys
from a3sgw.shared.memory import Memory
from a3sgw.shared.rates import WINDOW, Rates

A = b"a" * 16


class Bucket:
    """Rates by a clock that says what the test says."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.keys = Keys(memory.map, memory.rate_keys, WINDOW, WINDOW)
        self.rates = Rates(self.keys, memory.times, memory.mutexes)

    def admit(self, key: bytes, now: float, rate: float, burst: int) -> float:
        """At this time."""
        return self.admit_by(lambda: now, key, rate, burst)

    def admit_by(self, clock: Callable[[], float], key: bytes, rate: float, burst: int) -> float:
        """By this clock."""
        return max(0.0, -self.rates.take(0, key, clock, 1 / rate, (burst - 1) / rate))


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty one."""
    descriptor = Memory.create(1)
    memory = Memory(descriptor)
    yield Bucket(memory)
    memory.close()
    os.close(descriptor)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.mark.parametrize("burst", [1, 2, 20])
def test_a_burst(bucket: Bucket, burst: int) -> None:
    """As many as `burst` come at once; then one each interval."""
    answers = [bucket.admit(A, 50.0, 4.0, burst) for _ in range(burst + 1)]
    assert answers[:-1] == [0.0] * burst
    assert answers[-1] == pytest.approx(0.25)
    assert bucket.admit(A, 50.1, 4.0, burst) == pytest.approx(0.15)
    assert bucket.admit(A, 50.25, 4.0, burst) == 0.0
    assert bucket.admit(A, 50.25, 4.0, burst) == pytest.approx(0.25)


def test_a_burst_comes_back(bucket: Bucket) -> None:
    """A pause gives back as much as the rate would have used, never more than the burst."""
    assert [bucket.admit(A, 50.0, 4.0, 3) for _ in range(4)].count(0.0) == 3
    assert [bucket.admit(A, 50.5, 4.0, 3) for _ in range(4)].count(0.0) == 2
    assert [bucket.admit(A, 99.0, 4.0, 3) for _ in range(9)].count(0.0) == 3


def test_what_is_left(bucket: Bucket) -> None:
    """An admission tells how far further ones reach, a refusal how far it is to the next; both grow with the time."""

    def take(now: float) -> float:
        return bucket.rates.take(0, A, lambda: now, 0.25, 0.5)

    assert [take(50.0) for _ in range(5)] == [0.5, 0.25, 0.0, -0.25, -0.25]
    assert [take(50.125), take(50.25), take(50.25)] == [-0.125, 0.0, -0.25]
    assert [take(50.625), take(60.0)] == [0.125, 0.5]


@pytest.mark.parametrize("rate", [0.001, 3.0, 100.0, 7e5])
def test_the_wait_is_the_truth(bucket: Bucket, rate: float) -> None:
    """Whoever comes back after the seconds it was told is admitted; whoever comes just before is not."""
    now = 1e6
    assert bucket.admit(A, now, rate, 1) == 0.0
    wait = bucket.admit(A, now, rate, 1)
    assert wait == pytest.approx(1 / rate, rel=1e-3)
    assert bucket.admit(A, now + wait * 0.99, rate, 1) > 0.0
    assert bucket.admit(A, now + wait * 1.001, rate, 1) == 0.0


@pytest.mark.parametrize("burst", [1, 2, 5])
@pytest.mark.parametrize("times", [2.0, 3.0, 3.3, 4.0])
def test_who_comes_too_late(bucket: Bucket, burst: int, times: float) -> None:
    """A stream that always misses its turn by a little gets the whole rate all the same, and no more."""
    gap = 0.1 / times
    arrivals = [50.0 + (turn + (turn * 7 % 10) / 25) * gap for turn in range(int(100 * times))]
    admitted = [bucket.admit(A, now, 10.0, burst) for now in arrivals].count(0.0)
    assert 100 + burst - 2 <= admitted < 100 + burst + 1


def test_late_is_not_more_at_once(bucket: Bucket) -> None:
    """However late: as many as the burst; after a pause the next one waits for a whole interval."""
    for now in (50.0, 50.0, 50.74, 61.0):
        passed = [bucket.admit(A, now, 4.0, 3) for _ in range(5)]
        assert passed.count(0.0) <= 3
    assert bucket.admit(A, 61.0, 4.0, 3) == pytest.approx(0.25)


def test_a_new_key_is_not_late(bucket: Bucket) -> None:
    """Its first turn is now, also when the clock has not run for as long as an interval."""
    assert bucket.admit(A, 50.0, 0.01, 1) == 0.0
    assert bucket.admit(A, 50.0, 0.01, 1) == pytest.approx(100)


def test_a_changed_rate(bucket: Bucket) -> None:
    """It holds from the next request: a debt under a slow rate is not paid under a fast one."""
    assert [bucket.admit(A, 50.0, 0.01, 10) for _ in range(11)].count(0.0) == 10
    assert bucket.admit(A, 50.0, 100.0, 5) == pytest.approx(0.01)
    assert bucket.admit(A, 50.0, 100.0, 5) == pytest.approx(0.01)
    assert bucket.admit(A, 50.0101, 100.0, 5) == 0.0
    assert bucket.admit(A, 50.0101, 100.0, 5) > 0.0


def test_an_old_time(bucket: Bucket) -> None:
    """A process that was put aside after it looked at the clock takes nothing back that others were admitted for."""
    assert [bucket.admit(A, 50.0 + turn / 100, 100.0, 2) for turn in (0, 0, 1, 2, 3)] == [0.0] * 5
    times = iter([50.0, 50.03])
    assert bucket.admit_by(lambda: next(times), A, 100.0, 2) == pytest.approx(0.01)
    assert bucket.admit(A, 50.039, 100.0, 2) > 0.0
    assert bucket.admit(A, 50.0401, 100.0, 2) == 0.0


def test_refusing_needs_no_lock(bucket: Bucket) -> None:
    """Who is over the limit is refused even while the lock is held; who may be below it is admitted."""
    assert bucket.admit(A, 50.0, 4.0, 1) == 0.0
    assert bucket.memory.mutexes.take(0)
    assert bucket.admit(A, 50.1, 4.0, 1) == pytest.approx(0.15)
    assert bucket.memory.mutexes.contended == 0
    assert bucket.admit(A, 50.3, 4.0, 1) == 0.0
    assert bucket.memory.mutexes.contended == 1
    bucket.memory.mutexes.give(0)


def test_a_slot_that_another_key_has_got(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding the slot and reading its time, it may have been evicted: nobody is refused for another's time."""
    assert bucket.admit(A, 50.0, 4.0, 1) == 0.0
    find = bucket.keys.find

    def find_too_early(number: int, wanted: bytes) -> int:
        slot = find(number, wanted)
        if slot >= 0:
            bucket.keys.write(slot, key(1))
        return slot

    monkeypatch.setattr(bucket.keys, "find", find_too_early)
    assert bucket.admit(A, 50.1, 4.0, 1) == 0.0


def test_a_key_that_another_process_has_brought(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between not finding the key and getting the lock, it may have come: it stays one key."""
    find = bucket.keys.find
    assert bucket.admit(key(1), 49.0, 4.0, 1) == 0.0
    assert bucket.admit(A, 50.0, 4.0, 1) == 0.0
    answers = iter([-1])
    monkeypatch.setattr(bucket.keys, "find", lambda number, wanted: next(answers, find(number, wanted)))
    assert bucket.admit(A, 50.1, 4.0, 1) == pytest.approx(0.15)
    assert bucket.keys.all(0, A) == [find(0, A)]


def test_idle_slots_are_used_again(bucket: Bucket) -> None:
    """A key whose time has passed leaves its slot; any number of keys fits one after another."""
    for number in range(10 * WINDOW):
        assert bucket.admit(key(number), 50.0 + number, 1.0, 1) == 0.0
    assert bucket.rates.evicted == 0


def test_the_one_closest_to_idle_is_evicted(bucket: Bucket) -> None:
    """A bucket of busy keys forgets that whose turn is next, which then may come again too early; nobody else."""
    for number in range(WINDOW):
        slow = 1.0 if number == 5 else 0.5
        assert bucket.admit(key(number), 50.0, slow, 1) == 0.0
    assert bucket.rates.evicted == 0
    assert bucket.admit(A, 50.0, 0.1, 1) == 0.0
    assert bucket.rates.evicted == 1
    for number in range(WINDOW):
        if number != 5:
            assert bucket.admit(key(number), 50.0, 0.5, 1) > 0.0
    assert bucket.admit(A, 50.0, 0.1, 1) > 0.0
    assert bucket.admit(key(5), 50.0, 1.0, 1) == 0.0
