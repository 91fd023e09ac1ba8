"""Workers from a real nursery."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from a3sgw.control.channel import Channel
from a3sgw.control.messages import Hello, Message, Stop, decode, encode
from a3sgw.errors import GatewayError
from a3sgw.shared.table import SharedTable
from a3sgw.supervisor.births import Births, Born
from a3sgw.tasks import spawn
from a3sgw.version import __version__
from tests.support.descriptors import held
from tests.support.hostile import hostile
from tests.support.live import until
from tests.support.processes import alive, title

LONG = 30.0
"""Seconds that a process may take to start or end on a busy machine."""


class Child:
    """A worker, and what it has said."""

    def __init__(self, born: Born, end: socket.socket) -> None:
        self.pid = born.pid
        self.process = born.process
        self.said: list[Message] = []
        self.lost: list[str] = []
        self._channel = Channel(end, lambda body, _: self.said.append(decode("up", body)), self.lost.append)

    async def hello(self) -> Hello:
        """Its first message."""
        await until(lambda: self.said, "it has said something", LONG)
        assert isinstance(self.said[0], Hello)
        return self.said[0]

    def tell(self, message: Message) -> None:
        """Down the channel."""
        self._channel.send(encode(message))

    def close(self) -> None:
        """End it, if it has not ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        os.close(self.process)
        self._channel.close()


class Family:
    """A nursery and its children; `ended` are exit codes by process."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        self.births = Births(self.ended.__setitem__)
        self.table = SharedTable.create(64)
        self.children: list[Child] = []

    @property
    def nursery(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self.births._nursery is not None
        return self.births._nursery

    async def bear(self) -> Child:
        """Ask for a worker."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                born = await self.births.worker(theirs, self.table.descriptor)
            except BaseException:
                ours.close()
                raise
        self.children.append(Child(born, ours))
        return self.children[-1]

    async def end(self, child: Child) -> int:
        """Wait until the nursery has said how it ended."""
        await until(lambda: child.pid in self.ended, "the end of a worker is reported", LONG)
        return self.ended[child.pid]

    def threads(self) -> int:
        """Those of the nursery."""
        return len(os.listdir(f"/proc/{self.nursery.pid}/task"))


@pytest_asyncio.fixture
async def family() -> AsyncIterator[Family]:
    """Everything that was started has ended after a test, and nothing stays open."""
    before = held()
    made = Family()
    made.births.start()
    yield made
    nursery = made.births._nursery
    for child in made.children:
        child.close()
    made.births.close()
    made.table.close()
    if nursery is not None:
        assert await asyncio.to_thread(nursery.wait, LONG) == 0
    await until(lambda: not any(alive(child.pid) for child in made.children), "all workers have ended", LONG)
    assert held() == before


async def test_a_worker(family: Family) -> None:
    """It is another process, which says hello over its channel; the descriptor is that of this process."""
    child = await family.bear()
    assert await child.hello() == Hello(__version__, child.pid)
    assert child.pid not in (os.getpid(), family.nursery.pid)
    with open(f"/proc/self/fdinfo/{child.process}") as info:
        assert f"Pid:\t{child.pid}\n" in info.read()
    assert not os.get_inheritable(child.process)
    assert title(family.nursery.pid) == "a3sgw: nursery"


async def test_a_hostile_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, family: Family) -> None:
    """Nothing is imported from where the gateway was started."""
    monkeypatch.chdir(hostile(tmp_path / "here"))
    family.nursery.kill()
    await until(lambda: family.births._nursery is None, "its end is noticed", LONG)
    assert (await (await family.bear()).hello()).version == __version__


async def test_several_at_once(family: Family) -> None:
    """Each gets its own channel, whoever asked first, also before the nursery is ready."""
    children = await asyncio.gather(*(family.bear() for _ in range(4)))
    for child in children:
        assert (await child.hello()).pid == child.pid
    assert len({child.pid for child in children}) == 4


async def test_forking_is_safe(family: Family) -> None:
    """The nursery has a single thread whenever it forks: another one could hold a lock that stays locked in the
    child."""
    assert family.threads() == 1
    for _ in range(2):
        await (await family.bear()).hello()
        assert family.threads() == 1


async def test_how_they_end(family: Family) -> None:
    """Exit codes, and signals as negative numbers."""
    stopped, killed = await family.bear(), await family.bear()
    await stopped.hello()
    await killed.hello()
    stopped.tell(Stop(0.0, 0.0))
    os.kill(killed.pid, signal.SIGKILL)
    assert await family.end(stopped) == 0
    assert await family.end(killed) == -signal.SIGKILL
    assert not alive(stopped.pid)


async def test_each_holds_only_its_own_channel(family: Family) -> None:
    """Otherwise the end of one worker would be seen only once all that are younger have ended."""
    old, young = await family.bear(), await family.bear()
    await young.hello()
    os.kill(old.pid, signal.SIGKILL)
    await until(lambda: old.lost, "the channel has ended", LONG)
    assert young.lost == []
    assert alive(young.pid)


async def test_a_worker_ends_with_its_channel(family: Family) -> None:
    """A supervisor that is gone leaves none behind."""
    child = await family.bear()
    await child.hello()
    child._channel.close()
    assert await family.end(child) == 0


async def test_a_worker_ends_with_a_channel_that_nobody_has_read(family: Family) -> None:
    """As when its supervisor was hung and then killed, which the kernel reports as a reset."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        born = await family.births.worker(theirs, family.table.descriptor)
        await until(lambda: select.select([ours], [], [], 0)[0], "it has said something", LONG)
    await until(lambda: born.pid in family.ended, "it has ended", LONG)
    assert family.ended[born.pid] == 0
    os.close(born.process)


async def test_signals_for_the_whole_group(family: Family) -> None:
    """What a terminal or a service manager sends to all processes is the supervisor's business."""
    await family.bear()  # so that it is ready
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(family.nursery.pid, number)
    assert (await (await family.bear()).hello()).version == __version__


async def test_a_killed_nursery(family: Family) -> None:
    """Its workers go on; the next one has another nursery."""
    before = await family.bear()
    await before.hello()
    first = family.nursery
    first.kill()
    await until(lambda: family.births._nursery is None, "its end is noticed", LONG)
    after = await family.bear()
    assert (await after.hello()).pid == after.pid
    assert family.nursery.pid != first.pid
    assert alive(before.pid)
    os.kill(after.pid, signal.SIGKILL)
    assert await family.end(after) == -signal.SIGKILL


async def test_a_nursery_killed_with_a_worker_on_order(family: Family) -> None:
    """Whoever waits is told; nobody waits for ever. (It has not read the order, so the kernel reports a reset.)"""
    await family.bear()
    os.kill(family.nursery.pid, signal.SIGSTOP)
    orders = [spawn(_expect_failure(family), "order") for _ in range(2)]
    await until(lambda: len(family.births._waiting) == 2, "both are on order")
    family.nursery.kill()
    async with asyncio.timeout(LONG):
        await asyncio.gather(*orders)
    assert (await (await family.bear()).hello()).version == __version__


async def test_a_nursery_killed_before_it_is_ready(family: Family) -> None:
    """As well."""
    family.nursery.kill()
    await _expect_failure(family)
    assert (await (await family.bear()).hello()).version == __version__


async def test_a_nursery_that_hangs(family: Family, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits is told in time, it is killed, and the next order has another nursery; workers go on."""
    before = await family.bear()
    family.births._limits = (LONG, 0.1)
    hung = family.nursery
    os.kill(hung.pid, signal.SIGSTOP)
    await asyncio.gather(*(_expect_failure(family, "does not answer") for _ in range(2)))
    assert "does not answer" in caplog.text
    await until(lambda: not alive(hung.pid), "it is killed", LONG)
    family.births._limits = (LONG, LONG)
    assert (await (await family.bear()).hello()).version == __version__
    assert family.nursery.pid != hung.pid
    assert alive(before.pid)


async def test_a_nursery_that_hangs_before_it_is_ready(family: Family) -> None:
    """As well; a limit counts for one nursery only."""
    await family.bear()
    family.nursery.kill()
    await until(lambda: family.births._nursery is None, "its end is noticed", LONG)
    family.births._limits = (0.1, LONG)
    order = spawn(_expect_failure(family, "does not answer"), "order")
    await until(lambda: family.births._nursery, "another one starts")
    hung = family.nursery
    os.kill(hung.pid, signal.SIGSTOP)
    await order
    await until(lambda: not alive(hung.pid), "it is killed", LONG)
    family.births._limits = (LONG, LONG)
    assert (await (await family.bear()).hello()).version == __version__


async def test_an_answer_that_was_not_read_in_time(family: Family) -> None:
    """When the supervisor itself was held up nobody is to blame."""
    await family.bear()
    os.kill(family.nursery.pid, signal.SIGSTOP)
    order = spawn(family.bear(), "order")
    await until(lambda: family.births._waiting, "it is on order")
    os.kill(family.nursery.pid, signal.SIGCONT)
    end = family.births._end
    assert end is not None
    assert select.select([end], [], [], LONG)[0]  # holds up the loop until the answer is there
    family.births._late(family.births._waiting[0])  # its time is over, and nobody has read yet
    assert (await (await order).hello()).version == __version__
    assert family.births._end is end


async def test_the_end_does_not_wait_for_one_that_hangs(family: Family) -> None:
    """It is killed instead."""
    await family.bear()
    hung = family.nursery
    os.kill(hung.pid, signal.SIGSTOP)
    family.births.close()
    assert hung.returncode == -signal.SIGKILL
    assert not os.path.exists(f"/proc/{hung.pid}")


async def _expect_failure(family: Family, why: str = "has ended") -> None:
    with pytest.raises(GatewayError, match=f"the process that starts workers {why}"):
        await family.bear()


async def test_an_order_that_is_withdrawn(family: Family) -> None:
    """The worker that is born for nobody ends, and the next order gets its own."""
    await family.bear()
    os.kill(family.nursery.pid, signal.SIGSTOP)
    order = spawn(family.bear(), "order")
    await until(lambda: family.births._waiting, "it is on order")
    order.cancel()
    os.kill(family.nursery.pid, signal.SIGCONT)
    child = await family.bear()
    assert (await child.hello()).pid == child.pid
    await until(lambda: len(family.ended) == 1, "the other one has ended", LONG)
    assert child.pid not in family.ended


async def test_the_nursery_ends_with_its_supervisor(family: Family) -> None:
    """Its workers are not affected: the supervisor sees them off."""
    child = await family.bear()
    await child.hello()
    nursery = family.nursery
    family.births.close()
    assert await asyncio.to_thread(nursery.wait, LONG) == 0
    assert alive(child.pid)
