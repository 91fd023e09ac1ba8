"""How an exchange ended, and whether that speaks against whoever was asked."""

from __future__ import annotations

from typing import Protocol

FAILURE = 500
"""The first status that counts as a failure of the endpoint."""


class Outcome(Protocol):
    """How an exchange ended, for `done` hooks and logs."""

    attempts: int
    """Endpoints asked; 0 when somebody else answered."""
    upstream_seconds: float
    """From the request's head to the head of the endpoint's answer; 0 when there was none."""
    status: int
    """What the client got; 499 when it left first."""
    received: int
    """Bytes of request body read from the client."""
    sent: int
    """Bytes of response body written to the client."""
    error: str
    """Why it failed, empty when it did not."""


def has_failed(outcome: Outcome) -> bool | None:
    """None when nothing can be said: nobody was asked, the client left, or the client is to blame."""
    if not outcome.attempts or outcome.status == 499 or (outcome.error and 400 <= outcome.status < FAILURE):
        return None
    return outcome.status >= FAILURE or bool(outcome.error)
