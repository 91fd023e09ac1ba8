"""A rate as operators write it, and what clients are told about it: RateLimit-* and Retry-After."""

from __future__ import annotations

from math import ceil

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.source import SourceOptions
from a3sgw.options import Duration, Field, OptionError, field_validator

_LONGEST = 365.0 * 24 * 3600
"""Seconds; nobody is asked to wait longer."""
_SHORTEST = 1e-12
_FACT = "rate_limit"
"""(remaining, field lines) of the tightest limit that a request has met."""


class RateOptions(SourceOptions):
    """How much one source may ask."""

    rate: float = Field(gt=0)
    """Requests from one source in each `period`, in the long run."""

    period: Duration = 1.0
    """The time that `rate` is about; `rate = 10` and `period = "1m"` are ten in a minute, one each six seconds.
    A rate of 0 is an error and not the absence of a limit, as it is in Traefik: what is not wanted is left out."""

    burst: int = Field(1, ge=1, le=1_000_000_000)
    """Requests that may come at once after a pause. Nothing is ever delayed: what comes too early is refused."""

    status: int = Field(429, ge=400, le=599)
    """Status of a refusal, which says in Retry-After when the next request would pass, in whole seconds."""

    headers: bool = True
    """Tell every client RateLimit-Limit (the burst), RateLimit-Remaining (how many may come at once now) and
    RateLimit-Reset (seconds until the whole burst is back, rounded up). With several limits, the one with least
    remaining; an endpoint's own fields of these names are replaced."""

    legacy_headers: bool = False
    """The same as X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset."""

    @field_validator("period")
    @classmethod
    def _some_time(cls, period: float) -> float:
        if period <= 0:
            raise OptionError("a period of no time", 'write "1s", "1m", "1h"')
        return period


class Quota:
    """What one middleware makes of its options; `interval` and `tolerance` are those of the algorithm, in seconds."""

    def __init__(self, options: RateOptions) -> None:
        # The interval of the smallest rates there are is infinite, which would let everything through.
        self.interval = max(_SHORTEST, min(options.period / options.rate, _LONGEST))
        self.tolerance = (options.burst - 1) * self.interval
        self._status = options.status
        self._limit = options.burst
        self._reason = f"more than {options.rate:g} per {_per(options.period)} by {' and '.join(options.key)}"
        prefixes = (["RateLimit"] if options.headers else []) + (["X-RateLimit"] if options.legacy_headers else [])
        lines = f"{{0}}-Limit: {options.burst}\r\n{{0}}-Remaining: %d\r\n{{0}}-Reset: %d\r\n"
        self._lines = "".join(map(lines.format, prefixes)).encode()
        self._times = len(prefixes)

    def judge(self, request: Request, spare: float) -> None:
        """`spare` seconds as SharedTable.measure tells them: note what is left for `show`, or raise ClientError."""
        if spare >= 0.0:
            if self._lines:
                self._note(request, min(self._limit - 1, int(spare / self.interval + 0.001)), spare)
            return
        # Noted as well: where refusals are only observed, answers tell what refusals would have told.
        lines = self._told(0, self.tolerance - spare)
        if lines:
            request.learn(_FACT, (0, lines))
        # Up: who comes back a moment too early is refused again.
        raise ClientError(self._status, self._reason, ((b"Retry-After", b"%d" % _seconds(-spare)), *Headers(lines)))

    def _note(self, request: Request, remaining: int, spare: float) -> None:
        facts = request.facts
        if facts is None or _FACT not in facts or remaining < facts[_FACT][0]:
            request.learn(_FACT, (remaining, self._told(remaining, self.tolerance - spare + self.interval)))

    def _told(self, remaining: int, reset: float) -> bytes:
        return self._lines % ((remaining, _seconds(reset)) * self._times)


def show(request: Request, response: Response) -> None:
    """Put into the answer what `judge` has noted, once, whoever has."""
    if request.facts is None or _FACT not in request.facts:
        return
    _, lines = request.facts.pop(_FACT)
    if response.head and response._headers is None and b"ratelimit-" not in response.head.lower():
        response.head += lines  # a head that nobody looks at goes on as one slice, still
        return
    for name, value in Headers(lines):
        response.headers.set(name, value)


def _seconds(time: float) -> int:
    return ceil(min(time, _LONGEST))


def _per(period: float) -> str:
    return {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}.get(period, f"{period:g} seconds")
