"""A column of keys in buckets."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import pytest

from a3sgw.shared.keys import Keys

A, B = b"a" * 16, b"b" * 16


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Two buckets of four, after 16 bytes of something else."""
    memory = mmap.mmap(-1, 4096)
    yield Keys(memory, 16, 8, 4)
    memory.close()


def test_finding(keys: Keys) -> None:
    """A key is found in its bucket only."""
    keys.write(1, A)
    keys.write(7, B)
    assert (keys.find(0, A), keys.find(1, A)) == (1, -1)
    assert (keys.find(0, B), keys.find(1, B)) == (-1, 7)
    assert (keys.has(1, A), keys.has(7, A)) == (True, False)


def test_all_slots(keys: Keys) -> None:
    """Every one that has the key, in order."""
    for slot in (4, 6, 7):
        keys.write(slot, A)
    keys.write(5, B)
    assert keys.all(1, A) == [4, 6, 7]
    assert keys.all(0, A) == []


def test_a_match_across_keys(keys: Keys) -> None:
    """Bytes that only look like the key because two others stand side by side are not it."""
    looked_for = b"x" * 8 + b"y" * 8
    keys.write(0, b"-" * 8 + b"x" * 8)
    keys.write(1, b"y" * 8 + b"-" * 8)
    assert keys.find(0, looked_for) == -1
    keys.write(3, looked_for)
    assert (keys.find(0, looked_for), keys.all(0, looked_for)) == (3, [3])
