"""So many requests at once from each source, counted by all processes of the gateway together."""

from __future__ import annotations

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.http.source import Names, Source, SourceOptions, source
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import Field
from a3sgw.outcome import Outcome
from a3sgw.shared.table import SharedTable


class Options(SourceOptions, RefusingOptions):
    """Options of `in-flight`."""

    amount: int = Field(ge=1, le=2**31 - 1)
    """Requests of one source that may be under way at once, from their head to the last byte of the answer; upgraded
    connections count until they end."""

    key: Names = Field(("host",), min_length=1, max_length=8)
    """Requests that have this in common are counted together, as for `rate-limit`: `host` as in Traefik, which guards
    a site, or `ip`, which keeps one client from taking all of it, `header:X-Tenant`, `cookie:session`, `claim:sub`,
    `identity`, `path:world_id`, …; a list means the combination of all. Where a rule names no host, clients choose
    it freely: use another key there."""

    status: int = Field(429, ge=400, le=599)
    """Status of a refusal. Nobody knows when another request ends, so there is no Retry-After."""


class InFlight(Middleware[Options]):
    """Counts at most `amount` requests of each source at once, whatever the number of workers; what a worker
    held that dies is given back.

    A source is the same on every route that names this middleware, and after a reload. In the rare case that there is
    no place to count in, or two processes want one at the same moment for too long, a worker counts for itself.
    """

    stage = Stage.LIMITS
    _table: SharedTable
    _source: Source

    def attach(self, context: Context) -> None:
        """Sources go by the name, so a reload that changes the number keeps them."""
        super().attach(context)
        if context.table is not None:
            self._table = context.table
        self._source = source(self.options, b"in-flight\0%b\0" % context.name.encode())
        self._fact = f"in_flight {context.name}"
        self._reason = f"more than {self.options.amount} at once by {' and '.join(self.options.key)}"

    def request(self, request: Request) -> None:
        """Count it, or refuse it; one that meets this middleware twice counts once."""
        if request.facts is not None and self._fact in request.facts:
            return
        counted = self._source(request)
        if not self._table.acquire(counted, self.options.amount):
            raise ClientError(self.options.status, self._reason)
        request.learn(self._fact, counted)

    def done(self, request: Request, outcome: Outcome) -> None:
        """Give back what was counted; nothing for one that went on although it was not."""
        if request.facts is not None:
            counted = request.facts.pop(self._fact, None)
            if counted is not None:
                self._table.release(counted)
