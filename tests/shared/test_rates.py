"""Rates over one bucket of slots, by a clock that the test moves."""

from __future__ import annotations

import mmap

import pytest

from a3sgw.shared.keys import Keys
from a3sgw.shared.rates import WINDOW, Rates

A = b"a" * 16


@pytest.fixture
def rates() -> Rates:
    """One bucket."""
    memory = mmap.mmap(-1, 4096)
    times = memoryview(memory)[2048 : 2048 + WINDOW * 8].cast("d")
    return Rates(Keys(memory, 0, WINDOW, WINDOW), times)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.mark.parametrize(("burst", "at_once"), [(0, 1), (1, 1), (2, 2), (20, 20)])
def test_a_burst(rates: Rates, burst: int, at_once: int) -> None:
    """As many as `burst` come at once, at least one; then one each interval."""
    answers = [rates.admit(0, A, 50.0, 4.0, burst) for _ in range(at_once + 1)]
    assert answers[:-1] == [0.0] * at_once
    assert answers[-1] == pytest.approx(0.25)
    assert rates.admit(0, A, 50.1, 4.0, burst) == pytest.approx(0.15)
    assert rates.admit(0, A, 50.25, 4.0, burst) == 0.0
    assert rates.admit(0, A, 50.25, 4.0, burst) == pytest.approx(0.25)


def test_a_burst_comes_back(rates: Rates) -> None:
    """A pause gives back as much as the rate would have used, never more than the burst."""
    assert [rates.admit(0, A, 50.0, 4.0, 3) for _ in range(4)].count(0.0) == 3
    assert [rates.admit(0, A, 50.5, 4.0, 3) for _ in range(4)].count(0.0) == 2
    assert [rates.admit(0, A, 99.0, 4.0, 3) for _ in range(9)].count(0.0) == 3


@pytest.mark.parametrize("rate", [0.001, 3.0, 100.0, 7e5])
def test_the_wait_is_the_truth(rates: Rates, rate: float) -> None:
    """Whoever comes back after the seconds it was told is admitted; whoever comes just before is not."""
    now = 1e6
    assert rates.admit(0, A, now, rate, 1) == 0.0
    wait = rates.admit(0, A, now, rate, 1)
    assert wait == pytest.approx(1 / rate, rel=1e-3)
    assert rates.admit(0, A, now + wait * 0.99, rate, 1) > 0.0
    assert rates.admit(0, A, now + wait * 1.001, rate, 1) == 0.0


def test_a_changed_rate(rates: Rates) -> None:
    """It holds from the next request: a debt under a slow rate is not paid under a fast one."""
    assert [rates.admit(0, A, 50.0, 0.01, 10) for _ in range(11)].count(0.0) == 10
    assert rates.admit(0, A, 50.0, 100.0, 5) == pytest.approx(0.01)
    assert rates.admit(0, A, 50.0, 100.0, 5) == pytest.approx(0.01)
    assert rates.admit(0, A, 50.0101, 100.0, 5) == 0.0
    assert rates.admit(0, A, 50.0101, 100.0, 5) > 0.0


def test_idle_slots_are_used_again(rates: Rates) -> None:
    """A key whose time has passed leaves its slot; any number of keys fits one after another."""
    for number in range(10 * WINDOW):
        assert rates.admit(0, key(number), 50.0 + number, 1.0, 1) == 0.0
    assert rates.evicted == 0


def test_the_one_closest_to_idle_is_evicted(rates: Rates) -> None:
    """A bucket of busy keys forgets that whose turn is next, which then may come again too early; nobody else."""
    for number in range(WINDOW):
        slow = 1.0 if number == 5 else 0.5
        assert rates.admit(0, key(number), 50.0, slow, 1) == 0.0
    assert rates.evicted == 0
    assert rates.admit(0, A, 50.0, 0.1, 1) == 0.0
    assert rates.evicted == 1
    for number in range(WINDOW):
        if number != 5:
            assert rates.admit(0, key(number), 50.0, 0.5, 1) > 0.0
    assert rates.admit(0, A, 50.0, 0.1, 1) > 0.0
    assert rates.admit(0, key(5), 50.0, 1.0, 1) == 0.0
