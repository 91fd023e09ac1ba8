"""What an operator can say about replicas, revisions and rollouts of a service."""

from __future__ import annotations

from a3sgw.config.server import Server
from a3sgw.config.strategy import Strategy
from a3sgw.options import BaseOptions, Duration, Field, OptionError, Percentage, Ratio, Several, model_validator


class Scaling(BaseOptions):
    """Start and stop replicas by load."""

    min_replicas: int = Field(0, ge=0)
    """Replicas that always run; 0 lets the service sleep."""

    max_replicas: int = Field(10, ge=1)
    """Replicas that run at most."""

    container_concurrency: int = Field(50, ge=1)
    """Requests one replica works on at once."""

    target_utilization: Ratio = Field(0.7, gt=0, le=1)
    """Share of `container_concurrency` aimed at."""

    scale_down_delay_secs: Duration = 300.0
    """How long demand has to stay low before replicas stop."""

    buffer_enabled: bool = True
    """Keep requests waiting while the first replica starts."""

    buffer_timeout_secs: Duration = 30.0
    """How long a request waits at most."""

    buffer_size: int = Field(100, ge=1)
    """Requests waiting at once."""

    executor: str = "box"
    """Who starts and stops replicas."""

    @model_validator(mode="after")
    def _range(self) -> Scaling:
        if self.min_replicas > self.max_replicas:
            raise OptionError(
                f"min_replicas ({self.min_replicas}) is above max_replicas ({self.max_replicas})",
                "lower min_replicas or raise max_replicas",
                key="min_replicas",
            )
        return self


class Revision(BaseOptions):
    """One version of a service and its share of the traffic."""

    name: str
    """What rollouts and logs call it."""

    traffic_percent: Percentage
    """Share of the requests."""

    strategy: Strategy = "round-robin"
    """How an endpoint is chosen."""

    servers: Several[Server] = ()
    """The endpoints of this version."""


class Rollout(BaseOptions):
    """Move traffic from one revision to another, step by step, back when it goes wrong."""

    from_: str = Field(alias="from")
    """Revision that loses traffic."""

    to: str
    """Revision that gains traffic."""

    step_percent: Percentage = Field(10.0, gt=0, le=100)
    """Traffic moved in one step."""

    step_interval_secs: Duration = 60.0
    """Time between two steps."""

    error_rate_threshold: Ratio = 0.05
    """Share of failed requests that turns the rollout back."""

    latency_threshold_ms: float = Field(5000.0, gt=0)
    """Latency (99th percentile) that turns the rollout back."""
