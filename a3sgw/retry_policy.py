"""When a request may be sent again, how often, and after which pause: compiled once, shared by all it holds for."""

from __future__ import annotations

import math
from random import random

from a3sgw.config.retries import Retries
from a3sgw.http.statuses import statuses
from a3sgw.machines.budget import RetryBudget

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""Methods whose requests may be sent again though the first may have had its effect (RFC 9110 §9.2.2)."""


class RetryPolicy:
    """The options, and the budget that all requests under this policy share in this process."""

    __slots__ = (
        "_first",
        "_longest",
        "budget",
        "count_header",
        "max_body_bytes",
        "max_held_bytes",
        "max_retries",
        "on_network_errors",
        "statuses",
        "timeout",
    )

    def __init__(self, options: Retries) -> None:
        self.max_retries = options.max_retries
        self.on_network_errors = options.on_network_errors
        self.timeout = options.retry_timeout or math.inf
        self.statuses = statuses(options.statuses)
        self.max_body_bytes = options.max_body_bytes
        self.max_held_bytes = options.max_held_bytes
        self.count_header = options.count_header
        self.budget = RetryBudget(options.budget_percent, options.min_retries_per_second)
        self._first = options.retry_interval_ms / 1000
        self._longest = options.max_retry_interval_ms / 1000

    def __repr__(self) -> str:
        return f"<RetryPolicy [{self.max_retries} times]>"

    def pause(self, retry: int) -> float:
        """Seconds to wait before the first (1), second … retry: doubled each time, less up to half at random."""
        return min(self._longest, self._first * 2.0 ** min(retry - 1, 30)) * (1.0 - random() / 2)  # noqa: S311 -- spreads load
