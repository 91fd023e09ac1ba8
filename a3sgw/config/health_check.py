"""What an operator can say about how the health of endpoints is found out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal

from a3sgw.options import BaseOptions, Duration, Field, OptionError, Percentage, Ratio, StringMap, model_validator

Mode = Literal["http", "grpc", "tcp"]
_UNUSED: Mapping[Mode, tuple[str, ...]] = MappingProxyType(
    {
        "http": ("service", "send", "expect"),
        "grpc": ("path", "method", "follow_redirects", "status", "send", "expect"),
        "tcp": ("path", "method", "follow_redirects", "status", "service", "headers", "hostname", "scheme"),
    }
)
"""Keys that mean nothing in a mode."""


class HealthCheck(BaseOptions):
    """Ask every endpoint regularly whether it is well."""

    mode: Mode | None = None
    """Plain HTTP, the gRPC health protocol, or only a connection; none means a connection to `tcp://` servers and HTTP
    to others. Servers that speak UDP are asked by another protocol on another `port`."""

    path: str = Field("/", pattern=r"^/[!-~]*$")
    """Path to ask for."""

    interval: Duration = Field(10.0, gt=0)
    """Time between two questions."""

    unhealthy_interval: Duration | None = Field(None, gt=0)
    """Time between two questions to an endpoint that is out; none means `interval`."""

    jitter: Percentage = 10.0
    """How much, at random, each interval is longer or shorter, so that probes spread."""

    timeout: Duration = Field(5.0, gt=0)
    """Time for an answer."""

    unhealthy_threshold: int = Field(3, ge=1)
    """Failures in a row that take an endpoint out."""

    healthy_threshold: int = Field(1, ge=1)
    """Successes in a row that bring it back."""

    degraded_threshold: int | None = Field(None, ge=1)
    """Failures in a row that make an endpoint second choice; below `unhealthy_threshold`."""

    method: str = Field("GET", pattern=r"^[A-Z]+$")
    """Method to ask with."""

    hostname: str = ""
    """Host field to ask with; empty means the endpoint's own."""

    port: int | None = Field(None, ge=1, le=65535)
    """Port to ask on; none means the endpoint's own."""

    scheme: Literal["", "http", "https"] = ""
    """Scheme to ask with; empty means the endpoint's own."""

    headers: StringMap = Field(default_factory=dict)
    """Header fields to ask with."""

    follow_redirects: bool = False
    """Whether a redirect is followed, up to five times, or counts as its status."""

    status: int | None = Field(None, ge=100, le=599)
    """The one status that counts as well; none means 200 to 399."""

    service: str = ""
    """gRPC: the service asked for; empty means the server as a whole."""

    send: str = ""
    """TCP: text sent once connected."""

    expect: str = ""
    """TCP: text the answer has to begin with; empty means that a connection is enough."""

    @model_validator(mode="after")
    def _of_this_mode(self) -> HealthCheck:
        if self.mode is not None:
            self.refuse_unused(self.mode)
        return self

    def refuse_unused(self, mode: Mode, prefix: str = "") -> None:
        """OptionError for a key that means nothing in this mode; `prefix` is where this stands."""
        for key in _UNUSED[mode]:
            if key in self.model_fields_set:
                modes = " or ".join(f'"{mode}"' for mode, keys in _UNUSED.items() if key not in keys)
                raise OptionError(
                    f'a health check with mode "{mode}" does not look at {key}',
                    f"remove it, or use mode {modes}",
                    key=prefix + key,
                )

    def asks_by(self, schemes: Collection[str]) -> Mode:
        """The mode for servers with these schemes."""
        return self.mode or ("tcp" if "tcp" in schemes else "http")

    @model_validator(mode="after")
    def _order(self) -> HealthCheck:
        if self.degraded_threshold is not None and self.degraded_threshold >= self.unhealthy_threshold:
            raise OptionError(
                f"degraded_threshold ({self.degraded_threshold}) is not below unhealthy_threshold",
                f"unhealthy_threshold is {self.unhealthy_threshold}; 3 and 5 are usual",
                key="degraded_threshold",
            )
        return self


class PassiveHealthCheck(BaseOptions):
    """Leave endpoints out for a while that fail real requests: not reached, no answer, or a status from 500."""

    max_failed_attempts: int = Field(5, ge=0)
    """Failures in a row that eject an endpoint; 0 means that the row does not count."""

    failure_ratio: Ratio | None = Field(None, gt=0)
    """Share of failures within `failure_window` that ejects it; none means that the share does not count."""

    failure_window: Duration = Field(10.0, gt=0)
    """Over which time the share is taken."""

    min_requests: int = Field(20, ge=1)
    """Requests within `failure_window` below which the share says nothing."""

    ejection_time: Duration = Field(10.0, gt=0)
    """How long it is left out the first time; twice as long each time after."""

    max_ejection_time: Duration = Field(300.0, gt=0)
    """How long at most."""

    max_ejected_percent: Percentage = 50.0
    """Share of a service's endpoints that may be out at once; one of several always may, the last one never."""
