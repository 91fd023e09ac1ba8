"""The health of a gateway as one JSON-ready document, however many processes it has."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from a3sgw.observe.metrics import Metrics
from a3sgw.version import __version__


def health(
    status: str,
    started_at: float,
    entrypoints: Mapping[str, tuple[list[str], int]],
    services: Mapping[str, Sequence[tuple[str, int, int]]],
    metrics: Metrics,
) -> dict[str, Any]:
    """`entrypoints` are (addresses, open connections), `services` lists of (URL, weight, requests in flight); the
    start is in seconds since the epoch, 0 before it is complete."""
    return {
        "status": status,
        "version": __version__,
        "uptime_seconds": round(time.time() - started_at, 3) if started_at else 0.0,
        "entrypoints": {
            name: {"addresses": addresses, "connections": connections}
            for name, (addresses, connections) in entrypoints.items()
        },
        "services": {
            name: [{"url": url, "weight": weight, "in_flight": count} for url, weight, count in endpoints]
            for name, endpoints in services.items()
        },
        "config": {
            "last_reload_success": metrics.last_reload_success,
            "last_reload_time": metrics.last_reload_time,
            "reloads": dict(metrics.reloads),
        },
    }
