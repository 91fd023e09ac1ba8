"""Who is killed for silence, and who is excused."""

from __future__ import annotations

import os
import signal

from a3sgw.supervisor.hearts import LATE, Hearts
from a3sgw.supervisor.pulse import processor_seconds
from tests.supervisor.hired import hired
from tests.support.live import until


async def test_a_stopped_worker() -> None:
    """Is killed after a second, and known as somebody's victim; one that was heard of meanwhile is not."""
    with hired(2) as (stopped, sound):
        os.kill(stopped.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, stopped.process.pid, os.WSTOPPED | os.WNOWAIT)
        start = stopped.member.heard_at
        members = [stopped.member, sound.member]
        hearts = Hearts(start)
        for tick in range(1, 12):
            now = start + tick / 10
            sound.member.heard_at = now
            for member in members:
                member.generation = 1
            hearts.look(members, now)
            assert stopped.member.hung == (tick >= 10)
        assert (stopped.member.stopped, stopped.member.victim) == (True, True)
        assert stopped.member.gone.result() == "no heartbeat for 1.0 s: it is stopped"
        assert not sound.member.gone.done()


async def test_a_worker_that_waits_for_something() -> None:
    """Is hung by its own fault."""
    with hired() as (one,):
        one.member.generation = 1
        await until(lambda: processor_seconds(one.process.pid)[0] == "S", "it waits")
        hearts = Hearts(one.member.heard_at)
        for tick in range(1, 12):
            hearts.look([one.member], one.member.heard_at + tick / 10)
        assert (one.member.hung, one.member.victim) == (True, False)


async def test_nobody_has_looked() -> None:
    """Then nobody has listened: all have their second again."""
    with hired() as (one,):
        one.member.generation = 1
        start = one.member.heard_at
        hearts = Hearts(start)
        for now in (start + LATE * 1.1, start + 5.0):
            hearts.look([one.member], now)
            assert one.member.heard_at == now
        assert not one.member.gone.done()


async def test_a_worker_that_starts() -> None:
    """Has ten seconds."""
    with hired() as (one,):
        await until(lambda: processor_seconds(one.process.pid)[0] == "S", "it waits")
        start = one.member.heard_at
        hearts = Hearts(start)
        for tick in range(1, 105):
            hearts.look([one.member], start + tick / 10)
            assert one.member.hung == (tick >= 100)
