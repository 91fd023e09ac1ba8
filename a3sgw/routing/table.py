"""All routes of one entrypoint, indexed."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.routing.index import Entry, Index
from a3sgw.routing.route import Route
from a3sgw.steps import Steps


class Table:
    """What an entrypoint looks a request up in; replaced whole at a reload."""

    __slots__ = ("_index", "_match", "entries", "unmatched")

    def __init__(self, index: Index[Route], unmatched: Route, entries: list[Entry[Route]]) -> None:
        self._match = index.match
        self._index = index
        self.entries = entries
        self.unmatched = unmatched
        """Serves what no rule matches: answers 404, and counts and logs like any route."""

    def match(self, request: Request) -> Route:
        """The route of highest priority whose rule holds, or the one for requests nobody wants."""
        return self._match(request) or self.unmatched

    def dismantle(self) -> Steps[None]:
        """Free it in short steps: letting go of thousands of routes at once would hold up the traffic."""
        while self.entries:
            self.entries.pop()
            yield
        yield from self._index.dismantle()
