"""Middlewares that are not written in a configuration but follow from it."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from a3sgw.config.router import Timeouts
from a3sgw.errors import ClientError, Overloaded
from a3sgw.http.message import Request, Response
from a3sgw.http.target import split_absolute, split_target
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions
from a3sgw.outcome import Outcome
from a3sgw.plan import NO_LIMIT, Plan
from a3sgw.shared.table import SharedTable
from a3sgw.tls.termination import Termination

_COUNTED = "upgrade_limit"


class Nobody(Middleware[BaseOptions]):
    """Answers requests that no route wants."""

    def __init__(self) -> None:
        super().__init__(BaseOptions())

    def request(self, request: Request) -> None:
        """404, for every request; ``OPTIONS *`` asks about the gateway itself and is not found here either."""
        raise ClientError(404, "no route matches")


class MergeSlashes(Middleware[BaseOptions]):
    """For a router whose `merge_slashes` differs from its entrypoint's: makes the target anew from what was sent."""

    def __init__(self, merge: bool) -> None:
        super().__init__(BaseOptions())
        self._merge = merge

    def request(self, request: Request) -> None:
        """Routing has been done on the entrypoint's reading; from here on this route's holds."""
        absolute = split_absolute(request.raw_target)
        target = absolute[1] if absolute is not None else request.raw_target
        if target[:1] == b"/":
            request.path, request.query, request.target = split_target(target, self._merge)


class SameTls(Middleware[BaseOptions]):
    """For entrypoints that ask for client certificates, or where names have TLS options of their own: a connection that
    was opened under other options, for another name or before a reload, would get around what is asked for now."""

    stands_first = True

    def __init__(self, termination: Termination) -> None:
        super().__init__(BaseOptions())
        self.termination = termination

    def request(self, request: Request) -> None:
        """421 tells the client to open another connection (RFC 9110 §15.5.20)."""
        wanted = self.termination.profile_for(request.host.decode("latin-1"))
        secured = request.secured
        if secured is None or (secured.profile is not wanted and secured.profile != wanted):
            raise ClientError(421, f"{secured!r} has other TLS options than {request.host!r}")


class RedirectAll(Middleware[BaseOptions]):
    """For an entrypoint that only sends clients elsewhere."""

    def __init__(self, inner: Middleware[Any]) -> None:
        super().__init__(BaseOptions())
        self._inner = inner

    def request(self, request: Request) -> Response | Awaitable[Response | None] | None:
        """Who names no host cannot be told where to go, and is not let through either."""
        if not request.authority:
            raise ClientError(400, "no host to redirect to")
        return self._inner.request(request)


class Conceal(Middleware[BaseOptions]):
    """For routes where secrets may stand in the query: logs do not get to see them, even if nobody looks at them."""

    stands_first = True

    def __init__(self, names: tuple[bytes, ...]) -> None:
        super().__init__(BaseOptions())
        self._find = re.compile(rb"([?&](?:%b)=)[^&]*" % b"|".join(map(re.escape, names)))

    def request(self, request: Request) -> None:
        """The target for logs, with another word in the place of each secret."""
        target = request.raw_target
        if b"?" in target:
            shown = self._find.sub(rb"\1REDACTED", target)
            if shown != target:
                request.shown_target = shown


class UpgradeLimit(Middleware[BaseOptions]):
    """So many upgraded connections on one router, from all processes together; it stands last, so that nobody counts
    who is refused for another reason."""

    def __init__(self, router: str, limit: int, table: SharedTable) -> None:
        super().__init__(BaseOptions())
        self._key = b"upgraded\0%b" % router.encode()
        self._limit = limit
        self._table = table

    def request(self, request: Request) -> None:
        """Counted from here on, for an answer that is no 101 ends soon."""
        if request.upgrade:
            if not self._table.acquire(self._key, self._limit):
                raise Overloaded(f"{self._limit} upgraded connections are open", 1)
            request.learn(_COUNTED, True)

    def done(self, request: Request, outcome: Outcome) -> None:
        """Called when the tunnel has ended, too."""
        if request.upgrade and request.facts is not None and request.facts.pop(_COUNTED, False):
            self._table.release(self._key)


class RouterTimeouts(Middleware[Timeouts]):
    """Times that differ on one router from those of its service."""

    def plan(self, plan: Plan) -> Plan:
        """Those that are given; 0 is no limit."""

        def of(seconds: float | None, otherwise: float) -> float:
            return otherwise if seconds is None else seconds or NO_LIMIT

        given = self.options
        return replace(
            plan,
            connect_timeout=of(given.connect_timeout, plan.connect_timeout),
            request_timeout=of(given.request_timeout, plan.request_timeout),
            stream_idle_timeout=of(given.stream_idle_timeout, plan.stream_idle_timeout),
            stream_total_timeout=of(given.stream_total_timeout, plan.stream_total_timeout),
            total_timeout=of(given.total_timeout, plan.total_timeout),
        )
