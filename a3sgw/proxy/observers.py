"""What is told of a finished exchange: counted, and logged where a log is wanted. Compiled into routes at load."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from a3sgw.observe.access_log import AccessLog, Record
from a3sgw.observe.clock import Stamps
from a3sgw.observe.metrics import RouteMetrics
from a3sgw.proxy.exchange import Exchange

Observer = Callable[[Exchange], None]


def counting(metrics: RouteMetrics) -> Observer:
    """Counts requests, bytes and durations of one route."""
    return metrics.observe


def logging_to(log: AccessLog, entrypoint: str, router: str, service: str) -> Observer:
    """Writes one access-log record per exchange."""
    write = log.write
    stamps = Stamps()

    def record(exchange: Exchange) -> None:
        request = exchange.request
        endpoint = exchange.endpoint
        write(
            Record(
                stamps.at(time()),
                request.id.decode("latin-1"),
                entrypoint,
                router,
                service,
                endpoint.url if endpoint is not None else "",
                request.client_ip,
                request.peer_ip,
                request.method.decode("latin-1"),
                request.authority.decode("latin-1"),
                request.raw_target.decode("latin-1"),
                "HTTP/1.1" if request.minor else "HTTP/1.0",
                exchange.status,
                int(exchange.seconds * 1e6) / 1000,
                int(exchange.upstream_seconds * 1e6) / 1000,
                exchange.received,
                exchange.sent,
                exchange.error,
                exchange.attempts,
            )
        )

    return record
