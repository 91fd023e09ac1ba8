"""Background work that is kept alive and whose failure is logged: the only place that creates tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger("a3sgw.tasks")


def spawn(work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
    """Run `work` on the running loop; a task nobody refers to is not collected, and its exception is logged once.

    The event loop keeps only weak references (asyncio documentation, "Creating Tasks"), so the running task is held by
    its own done callback until it ends.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    _held.add(task)
    task.add_done_callback(_ended)
    return task


_held: set[asyncio.Task[Any]] = set()


def _ended(task: asyncio.Task[Any]) -> None:
    _held.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("background work failed", extra={"task": task.get_name()}, exc_info=error)


async def unless_cancelled(result: Awaitable[_T]) -> _T:
    """What an awaitable of somebody else gives. That it was cancelled is its failure, a RuntimeError, and not our end,
    unless the present task is cancelled."""
    try:
        return await result
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("what was waited for has been cancelled") from None
