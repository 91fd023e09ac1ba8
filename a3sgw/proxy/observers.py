"""What is told of a finished exchange: counted, and logged where a log is wanted. Compiled into routes at load."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any, Protocol

from a3sgw.http.secured import Secured
from a3sgw.observe.access_log import AccessLog, Record
from a3sgw.observe.clock import Stamps
from a3sgw.observe.metrics import RouteMetrics
from a3sgw.proxy.calling import Call
from a3sgw.proxy.careful import Careful
from a3sgw.proxy.exchange import Exchange

Observer = Callable[[Exchange], None]


def counting(metrics: RouteMetrics) -> Observer:
    """Counts requests, bytes and durations of one route."""
    return metrics.observe


def logging_to(
    log: AccessLog, entrypoint: str, router: str, service: str, careful: bool = False, secured: bool = False
) -> Observer:
    """Writes one access-log record per exchange; with `careful` also what only such exchanges have, with `secured` also
    what is known of TLS."""
    adders = (*((_of_careful(service),) if careful else ()), *((_add_tls,) if secured else ()))
    if adders:
        more = _More(log, adders)
        return more.watching(_Logging(more, entrypoint, router, service).record)
    return _Logging(log, entrypoint, router, service).record


def logging_calls_to(log: AccessLog, entrypoint: str, router: str, service: str) -> Callable[[Call], None]:
    """Writes one access-log record per TCP connection, when it has ended; the host is the name that TLS asked for."""

    def record(call: Call) -> None:
        line = Record(
            log.stamps.at(time()),
            "",
            entrypoint,
            router,
            service,
            call.endpoint,
            call.peer[0],
            call.peer[0],
            "TCP",
            call.visitor.sni,
            "",
            "TCP",
            0,
            int(call.seconds * 1e6) / 1000,
            0.0,
            call.received,
            call.sent,
            call.error,
            call.attempts,
        )
        _add_secured(call.secured, line)
        log.write(line)

    return record


class _Log(Protocol):
    """What is needed of an access log."""

    stamps: Stamps

    def write(self, record: Record) -> None:
        """Take one record."""


_Adder = Callable[[Exchange, Record], None]
"""Completes the record of an exchange."""


class _More:
    """Stands between an observer and its log, and adds to each record what a plain exchange does not have."""

    __slots__ = ("_adders", "_exchange", "_log", "stamps")

    def __init__(self, log: AccessLog, adders: tuple[_Adder, ...]) -> None:
        self._log = log
        self._adders = adders
        self._exchange: Exchange | None = None
        self.stamps = log.stamps

    def watching(self, record: Observer) -> Observer:
        """`record`, with the exchange at hand."""

        def observe(exchange: Exchange) -> None:
            self._exchange = exchange
            record(exchange)

        return observe

    def write(self, record: Record) -> None:
        """Complete it."""
        exchange = self._exchange
        if exchange is not None:
            for add in self._adders:
                add(exchange, record)
        self._log.write(record)


def _of_careful(service: str) -> _Adder:
    def add_care(exchange: Exchange, record: Record) -> None:
        if isinstance(exchange, Careful):
            record.retries = exchange.retries
            record.queued_ms = int(exchange.queued * 1e6) / 1000
            if exchange.leaf not in ("", service):
                record.answered_by = exchange.leaf

    return add_care


def _add_tls(exchange: Exchange, record: Record) -> None:
    _add_secured(exchange.request.secured, record)


def _add_secured(secured: Secured | None, record: Record) -> None:
    """Nothing where the connection came in clear, although others come with TLS."""
    if secured is not None:
        record.tls_version = secured.version
        record.tls_cipher = secured.cipher
        known = secured.known
        if known is not None:
            record.tls_client_subject = known.title


class _Logging:
    """An object with slots instead of a closure, which takes three times the memory: there may be 10,000 routes."""

    __slots__ = ("_entrypoint", "_log", "_router", "_service")

    def __init__(self, log: _Log, entrypoint: str, router: str, service: str) -> None:
        self._log = log
        self._entrypoint = entrypoint
        self._router = router
        self._service = service

    def record(self, exchange: Exchange) -> None:
        log = self._log
        request = exchange.request
        endpoint = exchange.endpoint
        line = Record(
            log.stamps.at(time()),
            request.id.decode("latin-1"),
            self._entrypoint,
            self._router,
            self._service,
            endpoint.url if endpoint is not None else "",
            request.client_ip,
            request.peer_ip,
            request.method.decode("latin-1"),
            request.authority.decode("latin-1"),
            (request.shown_target or request.raw_target).decode("latin-1"),
            "HTTP/1.1" if request.minor else "HTTP/1.0",
            exchange.status,
            int(exchange.seconds * 1e6) / 1000,
            int(exchange.upstream_seconds * 1e6) / 1000,
            exchange.received,
            exchange.sent,
            exchange.error,
            exchange.attempts,
        )
        if request.facts is not None:
            _add_facts(line, request.facts)
        log.write(line)


def _add_facts(line: Record, facts: dict[str, Any]) -> None:
    """What middlewares found out, as far as a log should have it."""
    identity = facts.get("identity")
    if identity:
        line.identity = str(identity)
    upgraded = facts.get("upgraded")
    if upgraded:
        line.upgraded = upgraded
    blocking = facts.get("would_block")
    if blocking:
        line.would_block = "; ".join(blocking)
