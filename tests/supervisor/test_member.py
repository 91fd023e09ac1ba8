"""Whom the supervisor waits for, for how long, and whom it ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from a3sgw.config.model import Config
from a3sgw.control.edition import Edition
from a3sgw.control.messages import Abandon, Abandoned, Commit, Committed, Heartbeat, Prepare, Prepared, Refused
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.tasks import spawn
from tests.supervisor.hired import hired

SEVEN = Edition(7, Config())


async def test_an_answer() -> None:
    """Prepared and committed, it uses the configuration; answers to something else do not count."""
    with hired() as (one,):
        task = spawn(one.member.prepare(SEVEN, [], {}), "prepare")
        for message in (Prepared(6), Committed(7), Prepared(7)):
            one.says(message)
        await task
        one.says(Committed(7))
        await one.member.commit(SEVEN, set())
        assert (one.member.generation, one.member.usable) == (7, True)


async def test_a_refusal() -> None:
    """Says what the worker has said."""
    with hired() as (one,):
        one.says(Refused(7, [("it is bad", "mend it")]))
        with pytest.raises(ConfigError, match="it is bad"):
            await one.member.prepare(SEVEN, [], {})
        assert one.process.poll() is None


async def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever beats and does not answer what needs no time is killed."""
    monkeypatch.setattr("a3sgw.supervisor.member.COMMIT_TIMEOUT", 0.05)
    with hired() as (one,):
        with pytest.raises(GatewayError, match=r"worker 0 did not answer for 0\.05 seconds"):
            await one.member.commit(SEVEN, set())
        assert one.process.wait() == -9
        assert one.member.killed


async def test_the_supervisors_own_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is blamed for an answer that was there while the supervisor was held up."""
    monkeypatch.setattr("a3sgw.supervisor.member.COMMIT_TIMEOUT", 0.6)
    with hired() as (one,):
        task = spawn(one.member.commit(SEVEN, set()), "commit")
        await one.hears(Commit)
        one.says(Committed(7))
        time.sleep(1.3)  # the pause
        await task
        assert not one.member.gone.done()


async def test_a_pause_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count: the worker still has its time, and needs it."""
    monkeypatch.setattr("a3sgw.supervisor.member.COMMIT_TIMEOUT", 0.6)
    with hired() as (one,):
        task = spawn(one.member.commit(SEVEN, set()), "commit")
        await one.hears(Commit)
        time.sleep(1.3)  # the pause
        one.says(Heartbeat(0))
        asyncio.get_running_loop().call_later(0.1, one.says, Committed(7))
        await task
        assert not one.member.gone.done()


async def test_a_preparation_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is given up, and the worker, which says that it has, goes on."""
    monkeypatch.setattr("a3sgw.supervisor.member.PREPARE_TIMEOUT", 0.05)
    with hired() as (one,):
        task = spawn(one.member.prepare(SEVEN, [], {}), "prepare")
        await one.hears(Abandon)
        one.says(Prepared(7))
        one.says(Abandoned(7))
        with pytest.raises(ConfigError, match=r"worker 0 did not finish preparing within 0\.05 seconds"):
            await task
        assert [type(message) for message in one.told] == [Prepare, Abandon]
        assert not one.member.gone.done()


async def test_a_preparation_that_cannot_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with the worker."""
    for name in ("PREPARE_TIMEOUT", "COMMIT_TIMEOUT"):
        monkeypatch.setattr(f"a3sgw.supervisor.member.{name}", 0.05)
    with hired() as (one,):
        with pytest.raises(ConfigError, match="did not finish preparing"):
            await one.member.prepare(SEVEN, [], {})
        assert one.process.wait() == -9


async def test_who_has_ended_it() -> None:
    """Somebody else, unless the supervisor did or it ended by itself."""
    with hired(3) as (outside, inside, itself):
        inside.member.kill("for a test")
        outside.member.code = inside.member.code = -9
        itself.member.code = 77
        assert [one.member.victim for one in (outside, inside, itself)] == [True, False, False]
        ends = ["it was ended by SIGKILL", "for a test", "it ended with exit code 77"]
        assert [one.member.end for one in (outside, inside, itself)] == ends
        itself.member.code = -99
        assert itself.member.end == "it ended with exit code -99"
        itself.member.code = None
        assert itself.member.end == "it has not ended"
