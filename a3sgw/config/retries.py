"""What an operator can say about asking again."""

from __future__ import annotations

from typing import Annotated

from a3sgw.http.statuses import StatusRange
from a3sgw.options import BaseOptions, Duration, Field, Percentage, Size, ValueKind

Status = Annotated[int, Field(ge=200, le=599), ValueKind("status")]


class Retries(BaseOptions):
    """Ask again when that is harmless: nothing was sent, the method is idempotent, or the status is in `statuses`.

    Never after a byte of an answer has gone to the client, and another endpoint than before where there is one.
    """

    max_retries: int = Field(3, ge=0, le=100)
    """How often a request is sent again."""

    retry_interval_ms: float = Field(0, ge=0)
    """Pause before the first time, in milliseconds; twice as long each time after, less up to half at random."""

    max_retry_interval_ms: float = Field(1000, ge=0)
    """Longest pause, in milliseconds."""

    retry_timeout: Duration = 0.0
    """What fails this long after the request began is not sent again: the client gets it; 0 sets no limit."""

    on_network_errors: bool = True
    """Send again what an endpoint failed at without an answer: reset, nonsense, too slow. Without this only `statuses`
    are retried."""

    statuses: tuple[StatusRange, ...] = ()
    """Statuses of an answer, such as `503` or `"502-504"`, after which another endpoint is asked, whatever the
    method."""

    max_body_bytes: Size = 65536
    """Bodies up to this size are kept to be sent again; a longer one goes through, and is sent once."""

    max_held_bytes: Size = 16384
    """Answers of a known length up to this size are kept back until they are whole, so that one that breaks off can be
    asked for again; 0 passes everything on as it comes."""

    budget_percent: Percentage = 20.0
    """Retries may be this share of the requests, so that they never double an overload."""

    min_retries_per_second: float = Field(1, ge=0)
    """Retries that are always granted, for services with few requests."""

    count_header: bool = False
    """Send `X-Retry-Count` to endpoints that are asked again."""
