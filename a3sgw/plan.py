"""How a route forwards: decided at load by its service, changed at load by middlewares, read-only afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

NO_LIMIT = math.inf


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
    pass_host_header: bool = True
    """Send the client's Host, not the endpoint's own."""
