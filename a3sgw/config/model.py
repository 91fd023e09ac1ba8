"""The whole configuration as one frozen value."""

from __future__ import annotations

from typing import Annotated, Literal

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.providers import Providers
from a3sgw.config.router import Router
from a3sgw.config.service import Service
from a3sgw.options import (
    Address,
    BaseOptions,
    BeforeValidator,
    Duration,
    Field,
    OptionError,
    SerializeAsAny,
    SocketAddress,
    ValueKind,
    shown,
)

MOST_WORKERS = 1024


class Admin(BaseOptions):
    """The management entrypoint."""

    address: Address = SocketAddress("127.0.0.1", 9090)
    """Where it listens; an address without a host, such as `:9090`, is loopback."""


class AccessLog(BaseOptions):
    """One line per request."""

    enabled: bool = True
    """Whether it is written."""

    file: str = ""
    """Where it goes; empty means standard output."""


class Log(BaseOptions):
    """The gateway's own log."""

    level: Literal["debug", "info", "warn", "error"] = "info"
    """The least important message that is written."""

    format: Literal["text", "json"] = "text"
    """How it is written."""

    file: str = ""
    """Where it goes; empty means standard error."""


class MiddlewareConfig(BaseOptions):
    """One policy: its kind and the options of that kind."""

    kind: str
    """The `type` the operator wrote, e.g. `ip-allow`."""

    options: SerializeAsAny[BaseOptions]
    """The options, of the class that kind declares."""


def _workers(value: object) -> object:
    if value == "auto":
        return value
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6 else value
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST_WORKERS:
        return number
    raise OptionError(
        f"{shown(value)} is not a number of workers", f'write "auto" or a number from 1 to {MOST_WORKERS}'
    )


Workers = Annotated[int | Literal["auto"], BeforeValidator(_workers), ValueKind('number or "auto"')]


class Config(BaseOptions):
    """Everything an operator wrote, with defaults filled in."""

    entrypoints: dict[str, Entrypoint] = Field(default_factory=dict)
    """Listening sockets, by name."""

    routers: dict[str, Router] = Field(default_factory=dict)
    """Which requests go where, by name, in the order written."""

    services: dict[str, Service] = Field(default_factory=dict)
    """Groups of endpoints, by name."""

    middlewares: dict[str, MiddlewareConfig] = Field(default_factory=dict)
    """Policies, by name."""

    providers: Providers = Providers()
    """Where configuration comes from besides the main file."""

    admin: Admin | None = None
    """The management entrypoint; none means there is none."""

    access_log: AccessLog = AccessLog()
    """One line per request."""

    log: Log = Log()
    """The gateway's own log."""

    workers: Workers = "auto"
    """Processes that carry traffic; `auto` means one per core."""

    worker_cpu_affinity: bool = False
    """Bind each worker to a core of its own."""

    shutdown_timeout_secs: Duration = 30.0
    """How long running requests may take to finish when the gateway stops."""

    drain_timeout: Duration | None = None
    """How long they may take when another version has taken over; `shutdown_timeout_secs` unless it is set."""
