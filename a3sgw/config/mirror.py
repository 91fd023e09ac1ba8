"""What an operator can say about copies of requests."""

from __future__ import annotations

from a3sgw.options import BaseOptions, Duration, Field, Percentage, Size


class Compare(BaseOptions):
    """Compare the answers of the mirror with those that clients get, and count and log the differences."""

    ignore_fields: tuple[str, ...] = ()
    """Fields of JSON bodies that may differ, by name (`updated_at`) or by path (`meta.request_id`)."""

    max_body_bytes: Size = 262144
    """Bodies up to this size are compared."""

    max_slower_ms: float | None = Field(None, ge=0)
    """How much slower the mirror may be before that is a difference; none means that latency is only counted."""

    samples_per_minute: int = Field(10, ge=0)
    """Differences that are logged in full, per worker; all are counted."""


class Mirror(BaseOptions):
    """Send a copy of some requests to another service; the answer is dropped, and nobody waits for it."""

    service: str
    """The service that gets the copies."""

    percentage: Percentage = 100.0
    """Share of the requests that is copied."""

    max_body_bytes: Size = 1048576
    """Requests with longer bodies are not copied."""

    max_concurrent: int = Field(100, ge=1)
    """Copies under way at once, in each worker; what would be more is not copied."""

    timeout: Duration = Field(30.0, gt=0)
    """Time for a whole answer of the mirror."""

    sensitive_headers: bool = False
    """Copy Authorization, Proxy-Authorization, Cookie and X-Api-Key as well."""

    compare: Compare | None = None
    """Compare the answers of the mirror with those that clients get."""
