"""Counters over one bucket of slots, as several owners use it."""

from __future__ import annotations

import mmap
from collections.abc import Callable

import pytest

from a3sgw.shared.counters import WINDOW, Counters
from a3sgw.shared.keys import Keys

A, B = b"a" * 16, b"b" * 16
Owner = Callable[[int], Counters]


@pytest.fixture
def owner() -> Owner:
    """What the owner of a number does with the one bucket."""
    memory = mmap.mmap(-1, 8192)
    entries = memoryview(memory)[4096 : 4096 + WINDOW * 8].cast("q")
    return lambda number: Counters(Keys(memory, 0, WINDOW, WINDOW), entries, number)


def forgive(counters: Counters, number: int) -> None:
    """Free everything of one owner."""
    for slot, holder in counters.in_use():
        if holder == number:
            counters.forgive(slot, holder)


def test_a_limit_holds_for_all_together(owner: Owner) -> None:
    """Who comes first gets it, and what one gives back another may have."""
    zero, one, highest = owner(0), owner(1), owner(2**31 - 1)
    assert [each.acquire(0, A, 3) for each in (zero, one, highest, zero, one)] == [True, True, True, False, False]
    one.release(0, A)
    assert zero.acquire(0, A, 3)
    assert [each.held(0, A) for each in (zero, one, highest)] == [3, 3, 3]
    assert owner(5).acquire(0, B, 1)
    assert (zero.held(0, A), zero.held(0, B)) == (3, 1)


def test_without_a_limit(owner: Owner) -> None:
    """0 counts all the same."""
    one = owner(1)
    assert all(one.acquire(0, A, 0) for _ in range(1000))
    assert one.held(0, A) == 1000


def test_never_below_zero(owner: Owner) -> None:
    """Releasing what one does not hold takes nothing from anybody."""
    zero, one = owner(0), owner(1)
    zero.release(0, A)
    assert zero.acquire(0, A, 0)
    one.release(0, A)
    assert zero.held(0, A) == 1
    for _ in range(3):
        zero.release(0, A)
    assert zero.held(0, A) == 0
    assert zero.acquire(0, A, 1)


def test_releasing_passes_over_free_slots(owner: Owner) -> None:
    """A slot that another has left is nobody's, not the first owner's."""
    zero, one = owner(0), owner(1)
    assert one.acquire(0, A, 0)
    assert zero.acquire(0, A, 0)
    one.release(0, A)
    zero.release(0, A)
    assert zero.held(0, A) == 0


@pytest.mark.parametrize("number", [0, 1, 2**31 - 1])
def test_forgiving(owner: Owner, number: int) -> None:
    """All that one owner holds is released, of every key; what others hold is not."""
    dead, other = owner(number), owner(7)
    for key in (A, A, B):
        assert dead.acquire(0, key, 0)
        assert other.acquire(0, key, 0)
    forgive(other, number)
    assert (other.held(0, A), other.held(0, B)) == (2, 1)


def test_forgiving_what_is_somebody_elses_by_now(owner: Owner) -> None:
    """A slot that has another owner since it was looked at stays as it is."""
    dead, other = owner(1), owner(2)
    assert dead.acquire(0, A, 0)
    seen = other.in_use()
    forgive(other, 1)
    assert other.acquire(0, A, 0)
    assert other.in_use() == [(slot, 2) for slot, _ in seen] != []
    for slot, dead_owner in seen:
        other.forgive(slot, dead_owner)
    assert other.held(0, A) == 1


def test_slots_are_used_again(owner: Owner) -> None:
    """Any number of keys and owners can come and go."""
    for number in range(10 * WINDOW):
        one = owner(number)
        assert one.acquire(0, A, 1)
        assert one.acquire(0, number.to_bytes(16, "big"), 1)
        one.release(0, A)
        forgive(one, number)


def test_a_full_bucket(owner: Owner) -> None:
    """What is held is never evicted: who finds no slot is told so, who has one goes on counting."""
    for number in range(WINDOW):
        assert owner(number).acquire(0, A, 0)
    assert owner(WINDOW).acquire(0, A, 0) is None
    assert owner(WINDOW).acquire(0, A, WINDOW) is False
    assert owner(WINDOW).acquire(0, B, 0) is None
    assert owner(3).acquire(0, A, 0)
    assert owner(0).held(0, A) == WINDOW + 1
    owner(9).release(0, A)
    assert owner(WINDOW).acquire(0, B, 0)
    assert (owner(0).held(0, A), owner(0).held(0, B)) == (WINDOW, 1)
