"""Whose heart has stopped: all workers are looked at again and again, and those that are hung are killed."""

from __future__ import annotations

from collections.abc import Sequence

from a3sgw.supervisor.member import Member
from a3sgw.supervisor.pulse import Pulse

LATE = 0.5
"""When nobody has looked for so many seconds, nobody has listened either: no worker is to blame for silence."""
_SETTLING = 10.0
"""Seconds of silence that are fine while a worker starts."""


class Hearts:
    """`look` has to be called ten times a second."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._pulses: dict[int, Pulse] = {}

    def look(self, members: Sequence[Member], now: float) -> None:
        """Kill those that are hung; `now` is on the clock of the event loop."""
        late, self._looked_at = now - self._looked_at > LATE, now
        self._pulses = {one.pid: self._pulses.get(one.pid) or Pulse(one.pid) for one in members}
        for member in members:
            if late:
                member.heard_at = now
            if member.generation == 0 and now - member.heard_at < _SETTLING:
                continue
            pulse = self._pulses[member.pid]
            verdict = pulse.verdict(member.heard_at, now)
            if verdict and not member.gone.done():
                member.hung = True
                member.stopped = pulse.stopped
                member.kill(verdict)
