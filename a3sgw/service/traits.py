"""What a service does beyond balancing; a plain one has none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from a3sgw.control.messages import Pushed
from a3sgw.machines.outlier import may_eject
from a3sgw.service.places import Places
from a3sgw.service.sticky import Stickiness
from a3sgw.upstream.endpoint import Endpoint


def _tell_nobody(message: Pushed) -> None:
    """For services that are compiled and never used."""


def _count_nothing(what: str) -> None:
    """The same."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Decided at load."""

    report: Callable[[Pushed], None] = _tell_nobody
    """Tells the other processes."""
    count: Callable[[str], None] = _count_nothing
    """Counts an event of this service, by a fixed word."""
    sticky: Stickiness[Endpoint] | None = None
    places: Places | None = None
    """Limits requests at each endpoint."""
    slow_start: float = 0.0
    watches: bool = False
    """Whether endpoints have breakers or may be ejected."""
    max_ejected_percent: float = 50.0
    drain_header: bool = False

    @property
    def careful(self) -> bool:
        """Whether requests have to be looked after by more than the plain exchange."""
        return self.watches or self.drain_header or self.sticky is not None or self.places is not None

    def may_eject(self, total: int, ejected: int) -> bool:
        """Whether one more endpoint may be left out."""
        return may_eject(total, ejected, self.max_ejected_percent)
