"""The memory: made once, mapped often, refused when it is something else."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from a3sgw.shared.memory import Memory


@pytest.fixture
def descriptor() -> Iterator[int]:
    """New memory."""
    one = Memory.create(1)
    yield one
    os.close(one)


def test_two_mappings(descriptor: int) -> None:
    """They show the same, and closing one leaves the other."""
    one, other = Memory(descriptor), Memory(descriptor)
    assert one.slots == other.slots == len(one.times) == len(one.entries) == 256
    assert one.seed == other.seed
    one.times[255], one.entries[0], one.owners = 1.5, -7, 2**31
    assert (other.times[255], other.entries[0], other.owners) == (1.5, -7, 2**31)
    assert other.slots == Memory(descriptor).slots
    one.close()
    assert other.times[255] == 1.5
    other.close()


def test_columns_do_not_overlap(descriptor: int) -> None:
    """Filling one with ones leaves the others and the header as they were."""
    memory = Memory(descriptor)
    seed = memory.seed
    memory.map[memory.rate_keys : memory.rate_keys + 256 * 16] = b"\xff" * 256 * 16
    memory.map[memory.counter_keys : memory.counter_keys + 256 * 16] = b"\xff" * 256 * 16
    assert set(memory.times) == {0.0}
    assert set(memory.entries) == {0}
    for slot in range(256):
        memory.times[slot] = 1.0
    assert set(memory.entries) == {0}
    assert memory.map[memory.counter_keys + 256 * 16 - 1] == 0xFF
    again = Memory(descriptor)
    assert (again.slots, again.seed, again.owners) == (256, seed, 0)
    assert again.mutexes.take(64)
    again.mutexes.give(64)
    again.close()
    memory.close()


@pytest.mark.parametrize(("asked", "made"), [(1, 256), (256, 256), (257, 512), (65536, 65536)])
def test_sizes(asked: int, made: int) -> None:
    """The number of slots is rounded up."""
    descriptor = Memory.create(asked)
    memory = Memory(descriptor)
    assert memory.slots == made
    memory.close()
    os.close(descriptor)


def test_secrets_differ() -> None:
    """Each table has its own."""
    seeds = set()
    for _ in range(3):
        descriptor = Memory.create(1)
        memory = Memory(descriptor)
        seeds.add(memory.seed)
        memory.close()
        os.close(descriptor)
    assert len(seeds) == 3


def test_nobody_can_cut_it_off(descriptor: int) -> None:
    """Its size stands."""
    for size in (0, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, size)


@pytest.mark.parametrize(
    ("at", "damage"), [(0, b"A"), (8, b"\1"), (12, b"\0\0\1\0")], ids=["magic", "version", "slots"]
)
def test_another_header(descriptor: int, at: int, damage: bytes) -> None:
    """What says that it is something else is refused."""
    os.pwrite(descriptor, damage, at)
    with pytest.raises(ValueError, match="not a shared table of version 2"):
        Memory(descriptor)


@pytest.mark.parametrize("more", [-1, 1, -(3 * 4096)])
def test_another_size(descriptor: int, more: int) -> None:
    """The header is not believed alone."""
    size = os.fstat(descriptor).st_size
    other = os.memfd_create("other")
    os.write(other, os.pread(descriptor, size, 0))
    os.ftruncate(other, size)
    Memory(other).close()
    os.ftruncate(other, size + more)
    with pytest.raises(ValueError, match="not a shared table"):
        Memory(other)
    os.close(other)


def test_something_else() -> None:
    """An empty file is refused as well."""
    other = os.memfd_create("other")
    with pytest.raises(ValueError, match="not a shared table: 0 bytes"):
        Memory(other)
    os.close(other)


def test_nothing_stays_open_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without locks leaves no descriptor behind; one without such memory says so."""
    before = set(os.listdir("/proc/self/fd"))

    def refuse(self: object) -> None:
        raise OSError("no locks")

    with monkeypatch.context() as patch:
        patch.setattr("a3sgw.shared.mutex.Mutexes.create", refuse)
        with pytest.raises(OSError, match="no locks"):
            Memory.create(1)
    assert set(os.listdir("/proc/self/fd")) == before
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(OSError, match="no memory"):
        Memory.create(1)
