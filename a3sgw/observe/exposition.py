"""The counters in Prometheus' text format: the only importer of prometheus_client, used at scrape and never before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from a3sgw.observe.counters import BOUNDS, UPGRADED_BOUNDS, EntrypointData, RouteData, RouteMetrics
from a3sgw.observe.datagrams import DatagramData
from a3sgw.observe.metrics import Metrics, MetricsData
from a3sgw.observe.tcp import TcpData

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Content type of what `render` returns."""

_LEVELS = ("entrypoint", "router", "service")
_ROUTE = ("entrypoint", "router", "service")
_EDGES = (*map(repr, BOUNDS), "+Inf")
_UPGRADED_EDGES = (*map(repr, UPGRADED_BOUNDS), "+Inf")


@dataclass(frozen=True)
class WorkerFigures:
    """What one worker process uses now."""

    worker: str
    connections: int
    processor_seconds: float
    resident_bytes: int
    open_descriptors: int


def render(
    metrics: Metrics,
    version: str = "",
    workers: Sequence[WorkerFigures] = (),
    replaced: Mapping[str, int] = MappingProxyType({}),
    endpoints: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
    breakers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """All counters as Prometheus text (format 0.0.4), with the process's own memory, CPU and file descriptors.

    `replaced` counts workers that were replaced, by why; `endpoints` is what is known of each, by service, `breakers`
    the state of those of whole services.

    Works on a copy, so it may run in a thread while requests are counted: thousands of busy routers take a while.
    """
    known = (*endpoint_families(endpoints), *breaker_families(endpoints, breakers))
    return generate_latest(_Everything(metrics.snapshot(), version, workers, replaced, known))


class _Everything(Collector):
    """Turns one snapshot into metric families."""

    def __init__(
        self,
        data: MetricsData,
        version: str,
        workers: Sequence[WorkerFigures],
        replaced: Mapping[str, int],
        endpoints: Sequence[Metric],
    ) -> None:
        self._data = data
        self._version = version
        self._workers = workers
        self._replaced = replaced
        self._endpoints = endpoints

    def collect(self) -> Iterator[Metric]:
        for position, level in enumerate(_LEVELS):
            yield from _requests(level, _summed(self._data["routes"], position))
        yield from _connections(self._data["entrypoints"])
        yield from datagram_families(self._data["datagrams"])
        yield from _upgraded(self._data["entrypoints"])
        yield from _state(self._data)
        yield event_family("service", _OF_SERVICES, self._data["services"])
        yield event_family("middleware", _OF_MIDDLEWARES, self._data["middlewares"])
        yield from tcp_families(self._data["tcp"])
        yield _certificates(self._data["certificates"])
        yield from self._endpoints
        build = GaugeMetricFamily("a3sgw_build_info", "Version of the gateway; always 1.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        if self._workers or self._replaced:
            yield from _workers(self._workers, self._replaced)
        yield from ProcessCollector(registry=None).collect()


def _summed(routes: Iterable[RouteData], position: int) -> dict[str, RouteMetrics]:
    """Counters added up by the name at `position` of their key."""
    sums: dict[str, RouteMetrics] = {}
    for route in routes:
        name = route["key"][position]
        sums.setdefault(name, RouteMetrics(name, "", "")).add(route)
    return sums


def _requests(level: str, sums: dict[str, RouteMetrics]) -> Iterator[Metric]:
    prefix = f"a3sgw_{level}"
    total = CounterMetricFamily(
        f"{prefix}_requests", f"Requests finished, by {level}.", labels=[level, "method", "code"]
    )
    duration = HistogramMetricFamily(
        f"{prefix}_request_duration_seconds", "From the request head to the last byte of the response.", labels=[level]
    )
    received = CounterMetricFamily(f"{prefix}_requests_bytes", "Request body bytes received.", labels=[level])
    sent = CounterMetricFamily(f"{prefix}_responses_bytes", "Response body bytes sent.", labels=[level])
    for name, counters in sums.items():
        for (method, code), count in _by_class(counters).items():
            total.add_metric([name, method, code], count)
        edges = list(zip(_EDGES, accumulate(counters.buckets), strict=True))
        duration.add_metric([name], edges, counters.seconds)
        received.add_metric([name], counters.received)
        sent.add_metric([name], counters.sent)
    return iter((total, duration, received, sent))


def _by_class(counters: RouteMetrics) -> dict[tuple[str, str], int]:
    """Counts by (method, code class): exact codes would multiply the series without telling an alert more."""
    classes: dict[tuple[str, str], int] = {}
    for method, status, count in counters.data()["requests"]:
        key = (method, f"{status // 100}xx")
        classes[key] = classes.get(key, 0) + count
    return classes


def _connections(entrypoints: Iterable[EntrypointData]) -> Iterator[Metric]:
    label = ["entrypoint"]
    opened = GaugeMetricFamily("a3sgw_open_connections", "Connections open now.", labels=label)
    accepted = CounterMetricFamily("a3sgw_connections_accepted", "Connections accepted.", labels=label)
    refused = CounterMetricFamily(
        "a3sgw_connections_refused", "Connections turned away.", labels=["entrypoint", "reason"]
    )
    for entrypoint in entrypoints:
        opened.add_metric([entrypoint["name"]], entrypoint["open"])
        accepted.add_metric([entrypoint["name"]], entrypoint["accepted"])
        for reason, count in entrypoint["refused"].items():
            refused.add_metric([entrypoint["name"], reason], count)
    return iter((opened, accepted, refused))


def _certificates(certificates: Iterable[tuple[str, str, float]]) -> Metric:
    """Of two for the same name, for keys of different types, the one that expires first."""
    family = GaugeMetricFamily(
        "a3sgw_tls_certificate_not_after_timestamp_seconds",
        "When a certificate expires, in seconds since the epoch, by its first name.",
        labels=["entrypoint", "name"],
    )
    first: dict[tuple[str, str], float] = {}
    for entrypoint, name, at in certificates:
        first[entrypoint, name] = min(at, first.get((entrypoint, name), at))
    for key, at in first.items():
        family.add_metric(key, at)
    return family


def tcp_families(routes: Iterable[TcpData]) -> Iterator[Metric]:
    """What TCP routers did."""
    opened = GaugeMetricFamily("a3sgw_tcp_connections", "TCP connections now.", labels=_ROUTE)
    ended = CounterMetricFamily(
        "a3sgw_tcp_connections_ended", "TCP connections that have ended, by why.", labels=[*_ROUTE, "reason"]
    )
    seconds = CounterMetricFamily("a3sgw_tcp_seconds", "How long those lasted.", labels=_ROUTE)
    size = CounterMetricFamily("a3sgw_tcp_bytes", "Bytes of those, by direction.", labels=[*_ROUTE, "direction"])
    for one in routes:
        key = list(one["key"])
        opened.add_metric(key, one["open"])
        for reason, count in one["ended"].items():
            ended.add_metric([*key, reason], count)
        seconds.add_metric(key, one["seconds"])
        size.add_metric([*key, "in"], one["received"])
        size.add_metric([*key, "out"], one["sent"])
    return iter((opened, ended, seconds, size))


def datagram_families(routes: Iterable[DatagramData]) -> Iterator[Metric]:
    """What UDP entrypoints did."""
    sessions = GaugeMetricFamily("a3sgw_udp_sessions", "UDP sessions open now.", labels=_ROUTE)
    opened = CounterMetricFamily("a3sgw_udp_sessions_opened", "UDP sessions begun.", labels=_ROUTE)
    ended = CounterMetricFamily("a3sgw_udp_sessions_ended", "UDP sessions ended, by why.", labels=[*_ROUTE, "reason"])
    labels = [*_ROUTE, "direction"]
    count = CounterMetricFamily(
        "a3sgw_udp_datagrams", "Datagrams forwarded, in to endpoints or out to clients.", labels=labels
    )
    size = CounterMetricFamily("a3sgw_udp_bytes", "Bytes in such datagrams.", labels=labels)
    dropped = CounterMetricFamily("a3sgw_udp_dropped", "Datagrams dropped, by why.", labels=[*_ROUTE, "reason"])
    for one in routes:
        key = list(one["key"])
        sessions.add_metric(key, one["open"])
        opened.add_metric(key, one["opened"])
        count.add_metric([*key, "in"], one["received"])
        count.add_metric([*key, "out"], one["sent"])
        size.add_metric([*key, "in"], one["received_bytes"])
        size.add_metric([*key, "out"], one["sent_bytes"])
        for family, reasons in ((ended, one["ended"]), (dropped, one["dropped"])):
            for reason, number in reasons.items():
                family.add_metric([*key, reason], number)
    return iter((sessions, opened, ended, count, size, dropped))


def _upgraded(entrypoints: Iterable[EntrypointData]) -> Iterator[Metric]:
    label = ["entrypoint", "router"]
    opened = GaugeMetricFamily(
        "a3sgw_upgraded_connections", "Connections open now that have left HTTP, such as WebSocket.", labels=label
    )
    duration = HistogramMetricFamily(
        "a3sgw_upgraded_duration_seconds", "How long those were open that have ended.", labels=label
    )
    received = CounterMetricFamily("a3sgw_upgraded_received_bytes", "Bytes from their clients.", labels=label)
    sent = CounterMetricFamily("a3sgw_upgraded_sent_bytes", "Bytes to their clients.", labels=label)
    for entrypoint in entrypoints:
        for router, data in entrypoint["upgraded"].items():
            names = [entrypoint["name"], router]
            opened.add_metric(names, data["open"])
            duration.add_metric(
                names, list(zip(_UPGRADED_EDGES, accumulate(data["buckets"]), strict=True)), data["seconds"]
            )
            received.add_metric(names, data["received"])
            sent.add_metric(names, data["sent"])
    return iter((opened, duration, received, sent))


def _state(data: MetricsData) -> Iterator[Metric]:
    reloads = CounterMetricFamily("a3sgw_config_reloads", "Configuration reloads.", labels=["result"])
    for result, count in data["reloads"].items():
        reloads.add_metric([result], count)
    yield reloads
    yield GaugeMetricFamily(
        "a3sgw_config_last_reload_success",
        "1 if the last reload took effect, 0 if the old configuration was kept.",
        value=int(data["last_reload_success"]),
    )
    yield GaugeMetricFamily(
        "a3sgw_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was loaded, in seconds since the epoch.",
        value=data["last_reload_time"],
    )
    yield CounterMetricFamily(
        "a3sgw_access_log_lost_lines",
        "Access log lines that could not be written (stalled or failing output).",
        value=data["access_log_lost"],
    )
    table = CounterMetricFamily(
        "a3sgw_shared_table_events", "What happened at the table of limits that processes share.", labels=["event"]
    )
    for event, count in data["table"].items():
        table.add_metric([event], count)
    yield table


def _workers(workers: Sequence[WorkerFigures], replaced: Mapping[str, int]) -> Iterator[Metric]:
    label = ["worker"]
    connections = GaugeMetricFamily("a3sgw_worker_connections", "Connections open now, by worker.", labels=label)
    processor = CounterMetricFamily("a3sgw_worker_cpu_seconds", "Processor time of each worker process.", labels=label)
    memory = GaugeMetricFamily(
        "a3sgw_worker_resident_memory_bytes", "Memory of each worker process, shared pages included.", labels=label
    )
    descriptors = GaugeMetricFamily("a3sgw_worker_open_fds", "Descriptors open in each worker process.", labels=label)
    for one in workers:
        connections.add_metric([one.worker], one.connections)
        processor.add_metric([one.worker], one.processor_seconds)
        memory.add_metric([one.worker], one.resident_bytes)
        descriptors.add_metric([one.worker], one.open_descriptors)
    serving = GaugeMetricFamily("a3sgw_workers", "Worker processes that serve.", value=len(workers))
    ended = CounterMetricFamily("a3sgw_workers_replaced", "Workers that were replaced, by why.", labels=["reason"])
    for reason, count in replaced.items():
        ended.add_metric([reason], count)
    return iter((serving, connections, processor, memory, descriptors, ended))


_OF_SERVICES = "Retries, ejections, refusals and other events of services, by what."
_OF_MIDDLEWARES = "What middlewares did other than let requests pass, by what."


def event_family(of: str, documentation: str, named: Mapping[str, Mapping[str, int]]) -> Metric:
    """Events of services or middlewares, by name."""
    events = CounterMetricFamily(f"a3sgw_{of}_events", documentation, labels=[of, "event"])
    for name, counts in named.items():
        for event, count in counts.items():
            events.add_metric([name, event], count)
    return events


_HEALTH = ("healthy", "degraded", "unhealthy")
_BREAKER = ("closed", "half-open", "open")


def endpoint_families(services: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Metric]:
    """How endpoints do: a gauge per state, 1 for the one an endpoint is in, as for enumerations in general."""
    label = ["service", "endpoint"]
    health = GaugeMetricFamily(
        "a3sgw_endpoint_health", "1 for the state the probes see an endpoint in.", labels=[*label, "state"]
    )
    ejected = GaugeMetricFamily("a3sgw_endpoint_ejected", "1 while an endpoint is left out for failures.", labels=label)
    draining = GaugeMetricFamily("a3sgw_endpoint_draining", "1 while an endpoint gets no new clients.", labels=label)
    weight = GaugeMetricFamily("a3sgw_endpoint_weight", "The weight of an endpoint now.", labels=label)
    running = GaugeMetricFamily("a3sgw_endpoint_requests_in_flight", "Requests at an endpoint now.", labels=label)
    for service, endpoints in services.items():
        for one in endpoints:
            names = [service, one["url"]]
            for state in _HEALTH:
                health.add_metric([*names, state], int(one["health"] == state))
            ejected.add_metric(names, int("ejected_until" in one))
            draining.add_metric(names, int(one["draining"]))
            weight.add_metric(names, one["weight"])
            running.add_metric(names, one["in_flight"])
    return iter((health, ejected, draining, weight, running))


def breaker_families(
    services: Mapping[str, Sequence[Mapping[str, Any]]], breakers: Mapping[str, str]
) -> Iterator[Metric]:
    """The circuit breakers that have ever changed; an empty endpoint is the whole service."""
    family = GaugeMetricFamily(
        "a3sgw_circuit_breaker", "1 for the state a circuit breaker is in.", labels=["service", "endpoint", "state"]
    )
    states = {(service, ""): state for service, state in breakers.items()}
    for service, endpoints in services.items():
        states |= {(service, one["url"]): one["circuit_breaker"] for one in endpoints if "circuit_breaker" in one}
    for (service, endpoint), now in states.items():
        for state in _BREAKER:
            family.add_metric([service, endpoint, state], int(now == state))
    yield family
