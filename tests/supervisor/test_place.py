"""One worker after the other at a place: when the next one comes, and what is said of the one before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from a3sgw.errors import GatewayError
from a3sgw.supervisor.member import Member
from a3sgw.supervisor.place import Place
from tests.supervisor.hired import Hired


class Employer:
    """Hires; every worker serves, unless `lame`. `news` is set at each change."""

    def __init__(self) -> None:
        self.hired: list[Hired] = []
        self.times: list[float] = []
        self.serving = asyncio.Event()
        self.lame = False
        self.let: list[Member] = []
        self.kinds: list[str] = []

    async def hire(self, place: int) -> Member:
        """The next one."""
        self.hired.append(Hired(place))
        self.times.append(asyncio.get_running_loop().time())
        return self.hired[-1].member

    async def introduce(self, member: Member) -> None:
        """It serves."""
        if self.lame:
            member.kill("it is lame")
            raise GatewayError("it is lame")
        self.serving.set()

    def let_go(self, member: Member) -> None:
        """It leaves."""
        self.let.append(member)

    def replacing(self, kind: str) -> None:
        """Why there is another one."""
        self.kinds.append(kind)

    def bury(self, member: Member) -> None:
        """Nothing is left of it."""
        member.close()

    async def next(self) -> Hired:
        """Wait until one serves; that one."""
        async with asyncio.timeout(10):
            await self.serving.wait()
        self.serving.clear()
        return self.hired[-1]


@pytest_asyncio.fixture
async def employer() -> AsyncIterator[Employer]:
    """Whose workers end with the test."""
    one = Employer()
    yield one
    for each in one.hired:
        each.end()


def tasks() -> set[str]:
    """What goes on, by name."""
    return {task.get_name() for task in asyncio.all_tasks() if not task.done()}


async def test_the_supervisors_reason_is_told(employer: Employer, caplog: pytest.LogCaptureFixture) -> None:
    """Not the signal with which it has ended the worker, which looks like somebody else's; a code only where there is
    nothing better to say."""
    place = Place(0, employer)
    first = await employer.next()
    first.member.kill("it did not answer")
    first.member.code = -9
    second = await employer.next()
    second.member.code = -9
    second.process.kill()
    await employer.next()
    async with asyncio.timeout(10):
        while len(said := [one for one in caplog.messages if "was replaced" in one]) < 2:
            await asyncio.sleep(0)
    assert said == ["a worker was replaced: it did not answer", "a worker was replaced: it was ended by SIGKILL"]
    assert employer.kinds == ["died", "died"]
    place.close()


async def test_nothing_goes_on_at_a_closed_place(employer: Employer) -> None:
    """Nobody waits for somebody to leave who is not there any more."""
    place = Place(0, employer)
    await employer.next()
    place.close()
    async with asyncio.timeout(10):
        while {"worker 0", "wait for a worker to leave"} & tasks():
            await asyncio.sleep(0)
    assert not employer.hired[0].member.gone.done()


async def test_the_first_is_replaced_at_once(employer: Employer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has served may have been killed from outside, however briefly it has lived."""
    monkeypatch.setattr("a3sgw.supervisor.place.FIRST_DELAY", 60.0)
    monkeypatch.setattr("a3sgw.supervisor.place.LONGEST_DELAY", 60.0)
    place = Place(0, employer)
    (await employer.next()).member.kill("for a test")
    await employer.next()
    place.close()


async def test_pauses(employer: Employer) -> None:
    """After the first there are pauses, longer and longer."""
    place = Place(0, employer)
    for _ in range(4):
        (await employer.next()).member.kill("for a test")
    await employer.next()
    gaps = [later - earlier for earlier, later in pairwise(employer.times)]
    assert [gap > least for gap, least in zip(gaps[1:], (0.19, 0.39, 0.79), strict=True)] == [True] * 3
    place.close()


async def test_nobody_ever_serves(employer: Employer) -> None:
    """Three times is enough, with a pause after each; then why is told."""
    employer.lame = True
    place = Place(0, employer)
    async with asyncio.timeout(10):
        assert str(await place.failed) == "the workers do not start: it is lame"
    assert len(employer.hired) == 3
    first, second = (later - earlier for earlier, later in pairwise(employer.times))
    assert (first > 0.09, second > 0.19) == (True, True)
    place.close()


async def test_one_that_leaves(employer: Employer) -> None:
    """It goes on beside its successor."""
    place = Place(0, employer)
    first = await employer.next()
    first.member.left.set()
    second = await employer.next()
    assert employer.let == [first.member]
    assert place.member is second.member
    assert employer.kinds == ["stopped"]
    place.close()
