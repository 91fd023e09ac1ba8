"""An exchange that has ended, as plain values: what counters look at."""

from __future__ import annotations

from dataclasses import dataclass

from a3sgw.http.message import Request


@dataclass
class Done:
    """See `a3sgw.observe.counters.Finished`."""

    request: Request
    status: int
    seconds: float
    received: int
    sent: int
    upstream_seconds: float = 0.0


def done(method: bytes, status: int, seconds: float, received: int, sent: int) -> Done:
    """One that took `seconds`, with so many body bytes each way."""
    request = Request()
    request.method = method
    return Done(request, status, seconds, received, sent)
