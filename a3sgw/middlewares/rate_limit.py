"""So many requests per second from each source, counted by all processes of the gateway together."""

from __future__ import annotations

from a3sgw.http.message import Request, Response
from a3sgw.http.quota import Quota, RateOptions, show
from a3sgw.http.source import Source, source
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.shared.table import SharedTable


class Options(RateOptions, RefusingOptions):
    """Options of `rate-limit`."""


class RateLimit(Middleware[Options]):
    """Of those that keep coming, `rate` × t / `period` + `burst` requests of a source pass in t seconds, one more or
    less, whatever the number of workers; never more than `burst` at once.

    A source is the same on every route that names this middleware, and after a reload. Tens of thousands of them are
    remembered at a time; of more, the ones that are idle or nearly so are forgotten first, and may begin anew: that is
    counted, as is the rare case that two processes want one entry at the same moment for too long, when the request
    passes.
    """

    stage = Stage.LIMITS
    _table: SharedTable
    _source: Source

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._quota = Quota(options)
        self._interval = self._quota.interval
        self._tolerance = self._quota.tolerance

    def attach(self, context: Context) -> None:
        """Sources go by the name, so a reload that changes a number keeps them."""
        super().attach(context)
        if context.table is not None:
            self._table = context.table
        self._source = source(self.options, b"rate-limit\0%b\0" % context.name.encode())

    def request(self, request: Request) -> None:
        """Refuse what comes too early, and say when it would not."""
        self._quota.judge(request, self._table.measure(self._source(request), self._interval, self._tolerance))

    def response(self, request: Request, response: Response) -> None:
        """Tell what is left."""
        show(request, response)
