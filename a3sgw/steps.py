"""Long work in short steps, so that it can take turns with traffic: a generator that yields where it may be paused."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

_T = TypeVar("_T")
Steps = Generator[None, None, _T]
"""Yields after every few microseconds of work; its value is the result."""

SLICE = 0.0005
"""Seconds of work between two turns of the event loop."""


def exhaust(steps: Steps[_T]) -> _T:
    """Do all of it now."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the generator's own type


async def take_turns(steps: Steps[_T]) -> _T:
    """Do it in slices, between which the event loop serves whoever waits."""
    while True:
        until = perf_counter() + SLICE
        while perf_counter() < until:
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # the generator's own type
        await asyncio.sleep(0)
