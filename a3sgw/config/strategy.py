"""The ways to choose an endpoint."""

from __future__ import annotations

from typing import Literal

Strategy = Literal[
    "round-robin", "weighted", "least-connections", "random", "p2c", "consistent-hash", "hrw", "least-time"
]
