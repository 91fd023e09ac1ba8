"""Slow checks: each once, not too many, remembered for a while."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from a3sgw.passwords.checker import Checker, TooManyChecks
from a3sgw.passwords.hashes import Hash
from a3sgw.tasks import spawn


class Slow:
    """A hash of "right" whose checks wait for `go`; `count` is how many have begun."""

    def __init__(self) -> None:
        self.go = Event()
        self.go.set()
        self.count = 0
        self.hash = Hash(self._check, 1.0)

    def _check(self, password: bytes) -> bool:
        self.count += 1
        assert self.go.wait(5)
        return password == b"right"


async def test_remembering() -> None:
    """Right ones until their time is over, wrong ones for less."""
    checker, slow, now = Checker(60, 10, 10), Slow(), [1000.0]
    checker.clock = lambda: now[0]
    right, wrong = checker.mark(b"anna:right"), checker.mark(b"anna:wrong")
    assert checker.known(right) is None
    assert await checker.check(right, "anna", b"right", slow.hash, True)
    assert not await checker.check(wrong, "anna", b"wrong", slow.hash, True)
    assert (checker.known(right), checker.known(wrong)) == ("anna", "")
    now[0] += 10
    assert (checker.known(right), checker.known(wrong)) == ("anna", None)
    now[0] += 50
    assert checker.known(right) is None
    checker.close()


async def test_in_vain() -> None:
    """What does not count is wrong, also when it is right by chance."""
    checker, slow = Checker(60, 10, 10), Slow()
    mark = checker.mark(b"nobody:right")
    assert not await checker.check(mark, "nobody", b"right", slow.hash, False)
    assert (slow.count, checker.known(mark)) == (1, "")
    checker.close()


async def test_each_once_and_not_too_many() -> None:
    """Many requests with one credential cost one check; beyond the limit nobody waits; the loop is free meanwhile."""
    checker, slow = Checker(60, 10, 2), Slow()
    slow.go.clear()
    marks = [checker.mark(b"%d" % number) for number in range(3)]
    first = [spawn(checker.check(marks[0], "anna", b"right", slow.hash, True), "check") for _ in range(5)]
    second = spawn(checker.check(marks[1], "anna", b"wrong", slow.hash, True), "check")
    await asyncio.sleep(0)
    with pytest.raises(TooManyChecks):
        await checker.check(marks[2], "anna", b"right", slow.hash, True)
    first[0].cancel()
    await asyncio.sleep(0)
    slow.go.set()
    assert await asyncio.gather(*first[1:]) == [True] * 4
    assert await second is False
    assert slow.count == 2
    assert await checker.check(marks[2], "anna", b"right", slow.hash, True)
    checker.close()


async def test_forgetting() -> None:
    """With other users nothing is remembered, not even what was being checked."""
    checker, slow = Checker(60, 10, 10), Slow()
    done, running = checker.mark(b"done"), checker.mark(b"running")
    await checker.check(done, "anna", b"right", slow.hash, True)
    slow.go.clear()
    task = spawn(checker.check(running, "anna", b"right", slow.hash, True), "check")
    await asyncio.sleep(0)
    checker.forget()
    slow.go.set()
    assert await task
    assert (checker.known(done), checker.known(running)) == (None, None)
    checker.close()


async def test_room() -> None:
    """The oldest goes; wrong ones push out no right ones; without time or room nothing is remembered."""
    checker, slow = Checker(60, 2, 10), Slow()
    marks = [checker.mark(b"%d" % number) for number in range(3)]
    for mark in marks:
        await checker.check(mark, "anna", b"right", slow.hash, True)
    assert [checker.known(mark) for mark in marks] == [None, "anna", "anna"]
    for number in range(5):
        await checker.check(checker.mark(b"wrong %d" % number), "anna", b"wrong", slow.hash, True)
    assert [checker.known(mark) for mark in marks] == [None, "anna", "anna"]
    for none in (Checker(0, 10, 10), Checker(60, 0, 10)):
        await none.check(marks[0], "anna", b"right", slow.hash, True)
        assert none.known(marks[0]) is None
        none.close()
    checker.close()


async def test_failures() -> None:
    """A bug in a check is for those who wait, and is not remembered; after closing it still works."""

    def broken(password: bytes) -> bool:
        raise ArithmeticError

    checker, slow = Checker(60, 10, 1), Slow()
    mark = checker.mark(b"a")
    with pytest.raises(ArithmeticError):
        await checker.check(mark, "anna", b"right", Hash(broken, 1.0), True)
    assert checker.known(mark) is None
    checker.close()
    assert await checker.check(mark, "anna", b"right", slow.hash, True)
    checker.close()


def test_marks() -> None:
    """Nobody can tell from one what it is of: each process has its own."""
    assert Checker(1, 1, 1).mark(b"a") != Checker(1, 1, 1).mark(b"a")
