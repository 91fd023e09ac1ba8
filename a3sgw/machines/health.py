"""Active health of one endpoint: how many probes in a row change what is thought of it."""

from __future__ import annotations

HEALTHY = "healthy"
DEGRADED = "degraded"
UNHEALTHY = "unhealthy"


class HealthMachine:
    """Healthy at first; failures in a row lead down, successes in a row back to healthy, from wherever it is."""

    __slots__ = (
        "_degraded_threshold",
        "_failures",
        "_healthy_threshold",
        "_successes",
        "_unhealthy_threshold",
        "state",
    )

    def __init__(self, unhealthy_threshold: int, healthy_threshold: int, degraded_threshold: int | None = None) -> None:
        """So many probes in a row lead to that state; without `degraded_threshold` there is none between the others."""
        self.state = HEALTHY
        """HEALTHY, DEGRADED or UNHEALTHY."""
        self._unhealthy_threshold = unhealthy_threshold
        self._healthy_threshold = healthy_threshold
        self._degraded_threshold = degraded_threshold
        self._failures = 0
        self._successes = 0

    def seen(self, ok: bool) -> bool:
        """Take the result of one probe; whether the state changed."""
        before = self.state
        if ok:
            self._failures = 0
            self._successes += 1
            if self._successes >= self._healthy_threshold:
                self.state = HEALTHY
        else:
            self._successes = 0
            self._failures += 1
            self._fall()
        return self.state != before

    def restore(self, state: str) -> None:
        """Take over what was thought before a reload; counting begins anew. ValueError if there is no such state."""
        if state not in (HEALTHY, DEGRADED, UNHEALTHY):
            raise ValueError(f"no state of health: {state!r}")
        self.state = state
        self._failures = self._successes = 0

    def _fall(self) -> None:
        if self._failures >= self._unhealthy_threshold:
            self.state = UNHEALTHY
        elif self.state == HEALTHY and self._degraded_threshold and self._failures >= self._degraded_threshold:
            self.state = DEGRADED
