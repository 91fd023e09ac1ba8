"""The health of a gateway as one JSON-ready document, however many processes it has."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from a3sgw.observe.metrics import Metrics, MetricsData
from a3sgw.version import __version__


def health(
    status: str,
    started_at: float,
    entrypoints: Mapping[str, tuple[list[str], int]],
    services: Mapping[str, Sequence[Mapping[str, Any]]],
    breakers: Mapping[str, str],
    counted: MetricsData,
    metrics: Metrics,
) -> dict[str, Any]:
    """`entrypoints` are (addresses, open connections), `services` what is known of each endpoint, `breakers` the state
    of those of whole services, `counted` what all processes have counted; the start is in seconds since the epoch, 0
    before it is complete."""
    return {
        "status": status,
        "version": __version__,
        "uptime_seconds": round(time.time() - started_at, 3) if started_at else 0.0,
        "entrypoints": {
            name: {"addresses": addresses, "connections": connections}
            for name, (addresses, connections) in entrypoints.items()
        },
        "services": {name: list(endpoints) for name, endpoints in services.items()},
        "circuit_breakers": dict(breakers),
        "events": counted["services"],
        "config": {
            "last_reload_success": metrics.last_reload_success,
            "last_reload_time": metrics.last_reload_time,
            "reloads": dict(metrics.reloads),
        },
    }
