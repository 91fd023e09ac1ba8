"""Who is asked whether a configuration can be used, in which order, and what becomes of the answers."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from a3sgw.config.model import Config
from a3sgw.control.edition import Edition
from a3sgw.control.messages import Abandon
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.supervisor.member import Member
from a3sgw.supervisor.trial import tried
from tests.supervisor.hired import Hired, hired

SEVEN = Edition(7, Config())
Answer = Callable[[Member], None]


class Trial:
    """`asked` is whom, in order; `answers` is what the one at a place does instead of being able to."""

    def __init__(self, all_of_them: list[Hired], answers: dict[int, Answer]) -> None:
        self.asked: list[int] = []
        self._answers = answers
        self._all = [one.member for one in all_of_them]
        for one, member in enumerate(self._all):
            member.heard_at = 100.0 - one

    async def somebody(self) -> list[Member]:
        """Those that live."""
        return [one for one in self._all if not one.gone.done()]

    async def prepare(self, member: Member) -> None:
        """What it does."""
        self.asked.append(member.place)
        answer = self._answers.get(member.place)
        if answer is not None:
            answer(member)

    async def run(self) -> list[int]:
        """The places of those that can use it."""
        return [one.place for one in await tried(SEVEN, self.somebody, self.prepare)]


def dies(code: int) -> Answer:
    """It ends with this code."""

    def end(member: Member) -> None:
        member.code = code
        member.gone.set_result("it has ended")
        raise GatewayError("worker has ended")

    return end


def refuses(member: Member) -> None:
    """It cannot use it."""
    raise ConfigError([Diagnostic("error", None, "bad", "")])


async def test_all_can() -> None:
    """One was heard of last and is the first; nothing is abandoned."""
    with hired(3) as workers:
        trial = Trial(workers, {})
        workers[1].member.heard_at = 200.0
        assert await trial.run() == [1, 0, 2]
        assert trial.asked == [1, 0, 2]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refuses, "bad"),
        (dies(77), "worker 0, which was to try it, has gone: it ended with exit code 77"),
        (dies(-signal.SIGSEGV), "by SIGSEGV"),
    ],
)
async def test_the_first_cannot(answer: Answer, why: str) -> None:
    """Nobody else is asked: whatever it is, it has happened to one."""
    with hired(3) as workers:
        trial = Trial(workers, {0: answer})
        with pytest.raises(GatewayError, match=why):
            await trial.run()
        assert trial.asked == [0]


async def test_another_cannot() -> None:
    """All forget it."""
    with hired(3) as workers:
        trial = Trial(workers, {2: refuses})
        with pytest.raises(ConfigError, match="bad"):
            await trial.run()
        assert trial.asked == [0, 1, 2]
        for one in workers:
            await one.hears(Abandon)


async def test_another_dies() -> None:
    """It has a successor, and does not decide."""
    with hired(3) as workers:
        assert await Trial(workers, {1: dies(77)}).run() == [0, 2]


async def test_the_first_is_killed_by_somebody_else() -> None:
    """That says nothing, once; then it is too much of a coincidence."""
    with hired(3) as workers:
        assert await Trial(workers, {0: dies(-signal.SIGKILL)}).run() == [1, 2]
    with hired(3) as workers:
        trial = Trial(workers, dict.fromkeys(range(3), dies(-signal.SIGKILL)))
        with pytest.raises(GatewayError):
            await trial.run()
        assert trial.asked == [0, 1]


async def test_a_bug() -> None:
    """Is said as it is, whatever else was wrong, and all forget the configuration."""

    def breaks(member: Member) -> None:
        raise ZeroDivisionError

    with hired(3) as workers:
        with pytest.raises(ZeroDivisionError):
            await Trial(workers, {1: refuses, 2: breaks}).run()
        for one in workers:
            await one.hears(Abandon)
