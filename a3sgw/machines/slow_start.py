"""An endpoint that is new or has come back gets its share step by step."""

from __future__ import annotations

_STEPS = 9
"""Equal stretches of time in which the factor is 0.1, 0.2 … 0.9."""
_MARGIN = 0.001
"""Seconds after a step at which one looks again, so that rounding never means looking twice."""


def factor(since: float, now: float, duration: float) -> float:
    """The part of its share that an endpoint of `since` gets: 0.1 at first, 1.0 after `duration` seconds."""
    if now >= since + duration:
        return 1.0
    return (1 + _step(since, now, duration)) / 10


def next_step(since: float, now: float, duration: float) -> float | None:
    """In how many seconds to ask for the factor again, because it is another then; None when it is 1.0 and stays so."""
    if now >= since + duration:
        return None
    return since + (_step(since, now, duration) + 1) * duration / _STEPS - now + _MARGIN


def _step(since: float, now: float, duration: float) -> int:
    return min(max(0, int((now - since) * _STEPS / duration)), _STEPS - 1)
