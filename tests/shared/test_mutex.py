"""Mutexes: taken by one, waited for only so long."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator

import pytest

from a3sgw.shared import mutex
from a3sgw.shared.mutex import SIZE, Mutexes


class Memory:
    """Room for two mutexes, and two views on them that stand for two processes."""

    def __init__(self) -> None:
        self._room = ctypes.create_string_buffer(3 * SIZE)
        address = -(-ctypes.addressof(self._room) // SIZE) * SIZE
        self.one, self.other = Mutexes(address, 2), Mutexes(address, 2)
        self.one.create()


@pytest.fixture
def memory() -> Iterator[Memory]:
    """Nothing of it may be held when it goes: the thread would remember a lock that is no more."""
    room = Memory()
    yield room
    for number in (0, 1):
        room.one.take(number)
        room.one.give(number)


def test_one_at_a_time(memory: Memory) -> None:
    """What one holds the other does not get, until it is given back; another number is another lock."""
    assert memory.one.take(0)
    assert memory.other.take(1)
    assert not memory.other.take(0)
    assert (memory.other.contended, memory.one.contended) == (1, 0)
    memory.one.give(0)
    assert memory.other.take(0)
    assert (memory.other.contended, memory.other.recovered) == (1, 0)


def test_waiting_once(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has waited in vain does not wait again for that lock for a while, but for another."""
    clock = [100.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(mutex, "monotonic", lambda: clock[0])
    monkeypatch.setattr(mutex, "sleep", sleep)
    assert memory.one.take(0)
    assert memory.one.take(1)

    def waited() -> float:
        before = clock[0]
        return clock[0] - before if memory.other.take(0) else round(clock[0] - before, 3)

    assert [waited() for _ in range(3)] == [0.01, 0, 0]
    assert not memory.other.take(1)
    assert sum(pauses) == pytest.approx(0.02, abs=0.001)
    clock[0] += 1
    assert waited() == 0.01
    assert memory.other.contended == 5


def test_a_holder_that_needs_a_moment(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that comes free while one waits is had."""
    assert memory.one.take(0)
    monkeypatch.setattr(mutex, "sleep", lambda seconds: memory.one.give(0))
    assert memory.other.take(0)
    assert memory.other.contended == 0


def test_after_the_end(memory: Memory) -> None:
    """A closed one raises instead of touching memory that is gone."""
    memory.other.close()
    with pytest.raises(IndexError):
        memory.other.take(0)


def test_a_platform_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said in words."""
    monkeypatch.setattr(ctypes, "PyDLL", lambda name: object())
    with pytest.raises(OSError, match="robust mutexes") as caught:
        Mutexes(0, 1)
    assert caught.value.errno == errno.ENOSYS


def test_a_platform_that_refuses(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library answers becomes an OSError."""
    monkeypatch.setattr(memory.one._library, "pthread_mutex_init", lambda *_: errno.ENOTSUP)
    with pytest.raises(OSError, match="no locks") as caught:
        memory.one.create()
    assert caught.value.errno == errno.ENOTSUP
