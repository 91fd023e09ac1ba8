"""Who is alive, as seen by whoever has a descriptor of the memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from a3sgw.shared.lives import Life, lives
from a3sgw.shared.table import SharedTable
from tests.shared.conftest import Child


@pytest.fixture
def file() -> Iterator[int]:
    """A file in memory."""
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


def test_a_life(file: int) -> None:
    """Begins and ends, once, and is nobody else's."""
    assert not lives(file, 1)
    life = Life(file, 1)
    assert [lives(file, owner) for owner in (0, 1, 2, 2**31 - 1)] == [False, True, False, False]
    life.close()
    life.close()
    assert not lives(file, 1)


def test_other_descriptors_do_not_matter(file: int) -> None:
    """A life goes on when the descriptor it was begun with, or another of the same file, is closed."""
    copy = os.dup(file)
    life = Life(copy, 7)
    os.close(copy)
    os.close(os.open(f"/proc/self/fd/{file}", os.O_RDWR))
    assert lives(file, 7)
    life.close()


def test_twice(file: int) -> None:
    """The second of one number is refused, leaves nothing open, and does not end the first."""
    life = Life(file, 3)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="unavailable"):
        Life(file, 3)
    assert os.listdir("/proc/self/fd") == before
    assert lives(file, 3)
    life.close()


def test_death_ends_it(table: SharedTable) -> None:
    """A killed process is dead for all, as soon as it can be waited for."""
    child = Child(table, "acquire")
    assert child.hear() == "ready"
    assert lives(table.descriptor, child.owner)
    child.end()
    assert not lives(table.descriptor, child.owner)
