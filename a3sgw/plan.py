"""How a route forwards: decided at load by its service, changed at load by middlewares, read-only afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from a3sgw.retry_policy import RetryPolicy

NO_LIMIT = math.inf
MOST_REDISPATCHES = 8
"""Endpoints that may turn out to be unreachable for one request, connection or session."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Times are seconds; NO_LIMIT where there is none."""

    connect_timeout: float = 5.0
    request_timeout: float = 30.0
    """From the end of the request until the response head."""
    stream_idle_timeout: float = 300.0
    """Between two pieces of a response body."""
    stream_total_timeout: float = NO_LIMIT
    """From the response head until its end."""
    total_timeout: float = NO_LIMIT
    """From the request's head until the end of the response, whatever lies between."""
    total_timeout_for_streams: bool = False
    """Whether that holds for event streams and gRPC too."""
    retries: RetryPolicy | None = None

    @property
    def is_plain(self) -> bool:
        """Whether an exchange needs to do nothing but forward."""
        return self.retries is None and self.total_timeout == NO_LIMIT

    pass_host_header: bool = True
    """Send the client's Host, not the endpoint's own."""
