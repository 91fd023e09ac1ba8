"""All routes of one entrypoint, indexed."""

from __future__ import annotations

from collections.abc import Callable

from a3sgw.http.message import Request
from a3sgw.routing.index import Entry, Index
from a3sgw.routing.route import Route
from a3sgw.steps import Steps

Match = Callable[[Request], Route | None]


class Table:
    """What an entrypoint looks a request up in; replaced whole at a reload."""

    __slots__ = ("_index", "_routes", "entries", "find", "unmatched")

    def __init__(self, index: Index[Route], unmatched: Route, entries: list[Entry[Route]]) -> None:
        self.find: Match = index.match
        """The route of highest priority whose rule holds; None when there is none."""
        self._index = index
        self._routes: frozenset[int] | None = None
        self.entries = entries
        self.unmatched = unmatched
        """Serves what no rule matches: answers 404, and counts and logs like any route."""

    def match(self, request: Request) -> Route:
        """The route that serves `request`, which may be the one for requests nobody wants."""
        return self.find(request) or self.unmatched

    def serves(self, route: Route) -> bool:
        """Whether requests may get this route; asked rarely, so what is looked it up in is made when it is needed."""
        if self._routes is None:
            self._routes = frozenset(id(entry.target) for entry in self.entries)
        return id(route) in self._routes or route is self.unmatched

    def dismantle(self) -> Steps[None]:
        """Free it in short steps: letting go of thousands of routes at once would hold up the traffic."""
        while self.entries:
            self.entries.pop()
            yield
        yield from self._index.dismantle()
