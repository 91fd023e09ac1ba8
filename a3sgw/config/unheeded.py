"""Options written where nothing heeds them: on another protocol than they belong to, or without what they need."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from a3sgw.config.document import Path
from a3sgw.config.entrypoint import ClientAuth, Entrypoint
from a3sgw.config.router import Router
from a3sgw.config.service import Service
from a3sgw.config.streams import behind
from a3sgw.diagnostic import Severity
from a3sgw.options import BaseOptions

Unheeded = tuple[Severity, Path, str, str]
"""(how bad, where, what, help)."""


@dataclass(frozen=True, slots=True)
class _Belongs:
    """Where an option does something; elsewhere it is an error unless nobody misses it."""

    to: tuple[str, ...]
    help: str
    severity: Severity = "error"


_REQUESTS = _Belongs(("http",), "remove it: there are no requests", "warning")
_STREAMS = _Belongs(("http", "tcp"), "remove it: nothing looks at it", "warning")
_SESSIONS = _Belongs(("udp",), 'remove it, or set protocol = "udp"')
_HEADERS = _Belongs(("http", "tcp"), "PROXY headers are read on TCP only")
_LIMIT = "use udp_max_sessions, which ends the session that has been silent for longest"
_FILTER = "use a tcp-filter middleware with allowed_ips, which looks at new sessions here"
_ENTRYPOINTS: Mapping[str, _Belongs] = MappingProxyType(
    {
        "tls": _Belongs(("http", "tcp"), "TLS is not spoken over UDP"),
        "redirect": _Belongs(("http",), "only HTTP has redirects"),
        "proxy_protocol": _HEADERS,
        "proxy_protocol_required": _HEADERS,
        "http2": _Belongs(("http",), "only HTTP entrypoints speak HTTP/2"),
        "tcp_allowed_ips": _Belongs(("http", "tcp"), _FILTER),
        "max_connections": _Belongs(("http", "tcp"), _LIMIT),
        "udp_session_timeout_secs": _SESSIONS,
        "udp_max_sessions": _SESSIONS,
        "max_header_bytes": _REQUESTS,
        "max_headers": _REQUESTS,
        "idle_timeout": _REQUESTS,
        "body_idle_timeout": _REQUESTS,
        "request_id": _REQUESTS,
        "merge_slashes": _REQUESTS,
        "underscore_headers": _REQUESTS,
        "read_header_timeout": _STREAMS,
        "trusted_ips": _STREAMS,
    }
)
_ROUTERS: Mapping[str, _Belongs] = MappingProxyType(
    {
        "websocket": _Belongs(("http",), "only HTTP can become a WebSocket; limit connections by a tcp-filter"),
        "event_stream": _Belongs(("http",), "only HTTP has event streams"),
        "merge_slashes": _REQUESTS,
        "importance": _Belongs(("http", "udp"), "remove it: connections are all alike", "warning"),
        "priority": _Belongs(("http", "tcp"), "remove it: there is nothing to choose from", "warning"),
        "timeouts.request_timeout": _REQUESTS,
        "timeouts.total_timeout": _REQUESTS,
        "timeouts.stream_idle_timeout": _Belongs(
            ("http", "tcp"), "use udp_session_timeout_secs of the entrypoint", "warning"
        ),
        "timeouts.stream_total_timeout": _STREAMS,
    }
)
_SERVICES: Mapping[str, _Belongs] = MappingProxyType(
    {
        "load_balancer.proxy_protocol": _Belongs(("tcp",), "remove it, or name the service in a TCP router"),
        "load_balancer.termination_delay": _Belongs(
            ("tcp",), "remove it, or name the service in a TCP router", "warning"
        ),
    }
)


def on_entrypoint(name: str, entrypoint: Entrypoint) -> Iterator[Unheeded]:
    """What this entrypoint does not heed of what it says."""
    base: Path = ("entrypoints", name)
    for severity, path, key, help in _misplaced(_ENTRYPOINTS, entrypoint, (entrypoint.protocol,)):
        yield severity, (*base, *path), f"{key} does not work on {entrypoint.protocol} entrypoints", help
    if entrypoint.tls is not None:
        yield from _authorities((*base, "tls"), entrypoint.tls.client_auth)
    if entrypoint.protocol == "udp" or entrypoint.address.path or entrypoint.trusted_ips:
        return
    help = "add trusted_ips: the networks of those who send PROXY headers"
    if entrypoint.proxy_protocol_required:
        yield "error", (*base, "proxy_protocol_required"), "nobody could connect: nobody's PROXY header is read", help
    elif entrypoint.proxy_protocol:
        yield "warning", (*base, "proxy_protocol"), "nobody's PROXY header is read", help


def on_router(name: str, router: Router, protocol: str) -> Iterator[Unheeded]:
    """What this router does not heed where it is one of `protocol`."""
    base: Path = ("routers", name)
    asked_for_tls = protocol == "tcp" and router.tls is not None and router.tls.passthrough
    for severity, path, key, help in _misplaced(_ROUTERS, router, (protocol,)):
        if key != "request_timeout" or not asked_for_tls:  # it holds for PostgreSQL endpoints that are asked for TLS
            yield severity, (*base, *path), f"{key} does not work on routers of {protocol} entrypoints", help
    if router.tls is not None:
        yield from _authorities((*base, "tls"), router.tls.client_auth)


def on_services(routers: Collection[tuple[str, str]], services: Mapping[str, Service]) -> Iterator[Unheeded]:
    """What services do not heed; `routers` are (service, protocol) of each. Those that none leads to do not matter."""
    led: dict[str, set[str]] = {}
    for start, protocol in dict.fromkeys(routers):
        for name in behind(start, services):
            led.setdefault(name, set()).add(protocol)
    for name, protocols in led.items():
        for severity, path, key, help in _misplaced(_SERVICES, services[name], protocols):
            yield severity, ("services", name, *path), f"{key} has no effect: no TCP router leads here", help


def _misplaced(
    table: Mapping[str, _Belongs], options: BaseOptions, protocols: Collection[str]
) -> Iterator[tuple[Severity, Path, str, str]]:
    """(how bad, where, last key, help) of what is written and belongs to none of these protocols."""
    for option, belongs in table.items():
        path = option.split(".")
        if not any(one in belongs.to for one in protocols) and _is_written(options, path):
            yield belongs.severity, tuple(path), path[-1], belongs.help


def _is_written(options: BaseOptions, path: list[str]) -> bool:
    """Whether it is there and says anything: switching off what is off anyway says nothing."""
    here: object = options
    for key in path:
        if not isinstance(here, BaseOptions) or key not in here.model_fields_set:
            return False
        default = type(here).model_fields[key].default
        here = getattr(here, key)
    return bool(here) or here != default


def _authorities(base: Path, auth: ClientAuth | None) -> Iterator[Unheeded]:
    if auth is not None and auth.ca_files and auth.mode == "none":
        path: Path = (*base, "client_auth", "ca_files")
        yield "warning", path, 'nobody is asked for a certificate: the mode is "none"', "remove ca_files, or mode"
