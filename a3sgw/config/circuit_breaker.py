"""What an operator can say about no longer asking who keeps failing."""

from __future__ import annotations

from a3sgw.config.retries import Status
from a3sgw.machines.breaker import BreakerOptions
from a3sgw.options import BaseOptions, Duration, Field, OptionError, Ratio, model_validator


class CircuitBreaker(BaseOptions):
    """Stop asking after failures, try again after a while with a few requests, go on when they succeed.

    A failure is no connection, no answer in time, a broken answer, or a status from 500.
    """

    failure_threshold: int = Field(5, ge=0)
    """Failures in a row that open it; 0 means that the row does not count."""

    cooldown_secs: Duration = Field(30.0, gt=0)
    """How long it stays open."""

    success_threshold: int = Field(1, ge=1)
    """Successes in a row, once half-open, that close it."""

    half_open_requests: int = Field(1, ge=1)
    """Requests at once that try it out when half-open, in each worker."""

    failure_ratio: Ratio | None = Field(None, gt=0)
    """Share of failures within `window` that opens it."""

    latency_quantile: Ratio = Field(0.95, gt=0)
    """Which latency within `window` is compared with `latency_threshold_ms`."""

    latency_threshold_ms: float | None = Field(None, gt=0)
    """Time to the head of the answer, at that quantile, from which it opens; none means that latency does not count."""

    window: Duration = Field(10.0, gt=0)
    """Over which time share and latency are taken."""

    min_requests: int = Field(20, ge=1)
    """Requests within `window` below which share and latency say nothing."""

    def machine(self) -> BreakerOptions:
        """The same as the machine wants it."""
        return BreakerOptions(
            failure_threshold=self.failure_threshold,
            cooldown=self.cooldown_secs,
            success_threshold=self.success_threshold,
            half_open_requests=self.half_open_requests,
            failure_ratio=self.failure_ratio,
            latency_quantile=self.latency_quantile if self.latency_threshold_ms is not None else None,
            latency_above=(self.latency_threshold_ms or 0.0) / 1000,
            window=self.window,
            min_requests=self.min_requests,
        )


class Fallback(BaseOptions):
    """What is answered while the breaker is open."""

    service: str = ""
    """The service that answers instead."""

    status: Status = 503
    """Status of a fixed answer."""

    body: str = ""
    """Body of a fixed answer."""

    content_type: str = Field("text/plain; charset=utf-8", pattern=r"^[!-~][ -~]*$")
    """Content-Type of a fixed answer."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Fallback:
        if self.service and (self.body or "status" in self.model_fields_set):
            raise OptionError("a fallback is a service or a fixed answer, not both", "remove one", key="service")
        return self


class ServiceBreaker(CircuitBreaker):
    """The breaker of a whole service."""

    fallback: Fallback | None = None
    """What is answered while it is open; none means 503 with Retry-After."""
