"""Another service for when the first has nobody left, and back once it has been well for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from a3sgw.errors import UpstreamError
from a3sgw.http.message import Response
from a3sgw.plan import Plan
from a3sgw.service.node import Journey, Leaf, Node, merged

_AWAY, _GONE = "to the backup, as all are", "to the backup, for it has failed"


class FailoverNode:
    """`backup` gets what `primary` cannot take, and everything until `primary` has been usable for `return_after`."""

    def __init__(
        self,
        primary: Node,
        backup: Node,
        statuses: frozenset[int],
        max_body_bytes: int,
        return_after: float,
        count: Callable[[str], None],
    ) -> None:
        self.primary = primary
        self.backup = backup
        self.keeps = max(primary.keeps, backup.keeps, max_body_bytes)
        self.copies = max(primary.copies, backup.copies)
        self._repeatable = max_body_bytes
        self._leaves = merged(primary.leaves(), backup.leaves())
        self._statuses = statuses
        self._return_after = return_after
        self._back_at = 0.0
        self._count = count

    @property
    def usable(self) -> bool:
        """Either will do."""
        return self.primary.usable or self.backup.usable

    @property
    def keeps_clients(self) -> bool:
        """Either will do."""
        return self.primary.keeps_clients or self.backup.keeps_clients

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """The primary's, or the backup's; a request that has failed on the one goes on to the other, and stays."""
        mark = journey.chosen.get(self)
        if mark is None:
            mark = journey.chosen[self] = len(journey.holds) if self._takes() else _AWAY
            if mark is _AWAY:
                self._count("failovers")
        if not isinstance(mark, int):
            found = self.backup.resolve(journey)
            if mark is _GONE or not isinstance(found, UpstreamError) or not self.primary.usable:
                return found
            mark = len(journey.holds)
        journey.repeatable = max(journey.repeatable, self._repeatable)
        found = self.primary.resolve(journey)
        if not isinstance(found, UpstreamError):
            if not isinstance(found, Response):
                journey.again_on |= self._statuses
            return found
        journey.settle(mark)
        journey.chosen[self] = _GONE
        instead = self.backup.resolve(journey)
        if isinstance(instead, UpstreamError):
            return found
        self._count("failovers")
        return instead

    def _takes(self) -> bool:
        """Whether the primary gets requests."""
        if not self.primary.usable:
            self._back_at = monotonic() + self._return_after
            return False
        return not (self._back_at and monotonic() < self._back_at and self.backup.usable)

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Those of both."""
        return self._leaves
