"""What a UDP entrypoint has in the place of a table: there are no rules, so all goes one way, or nowhere."""

from __future__ import annotations

from a3sgw.observe.datagrams import DatagramMetrics
from a3sgw.routing.index import Index
from a3sgw.routing.route import Route
from a3sgw.routing.table import Table
from a3sgw.steps import exhaust


class SessionTable(Table):
    """Every session is "unmatched" and gets the one route; without `care` that leads nowhere."""

    __slots__ = ("metrics",)

    def __init__(self, route: Route, metrics: DatagramMetrics) -> None:
        super().__init__(exhaust(Index.steps([])), route, [])
        self.metrics = metrics
