"""Background work is kept and its failure is logged once."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from a3sgw.tasks import spawn, unless_cancelled


async def test_a_task_nobody_holds_runs_to_its_end() -> None:
    """The event loop alone would forget it."""
    done = asyncio.Event()
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await gate
        done.set()

    spawn(work(), "work")
    gc.collect()
    gate.set_result(None)
    await asyncio.wait_for(done.wait(), 1)


async def test_the_result_is_there() -> None:
    """A task is an asyncio task with a name."""

    async def work() -> int:
        return 7

    task = spawn(work(), "seven")
    assert task.get_name() == "seven"
    assert await task == 7


async def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the task's name and the traceback, once."""

    async def work() -> None:
        raise ValueError("broken")

    task = spawn(work(), "the work")
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert vars(record)["task"] == "the work"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "broken"


async def test_cancelling_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever cancels knows why."""
    task = spawn(asyncio.sleep(60), "sleep")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_somebody_elses_cancelled_work() -> None:
    """It is a failure of theirs; when we are cancelled ourselves, we are."""
    theirs: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    theirs.cancel()
    with pytest.raises(RuntimeError, match="has been cancelled"):
        await unless_cancelled(theirs)
    ours = spawn(unless_cancelled(asyncio.get_running_loop().create_future()), "ours")
    await asyncio.sleep(0)
    ours.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ours
