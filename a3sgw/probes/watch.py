"""One endpoint, asked again and again; what is thought of it follows from the answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from random import uniform
from typing import Literal, NamedTuple, cast

from a3sgw.config.health_check import HealthCheck
from a3sgw.control.messages import EndpointHealth
from a3sgw.machines.health import HEALTHY, UNHEALTHY, HealthMachine
from a3sgw.probes.ask import probe
from a3sgw.probes.place import ProbeFailed, Trust
from a3sgw.targets import Target
from a3sgw.tasks import spawn

State = Literal["healthy", "degraded", "unhealthy"]

_log = logging.getLogger("a3sgw.probes")


_STARTING = 0.1
"""Seconds after which a probe only waits: then others may start, or those that hang would make all others late."""


class Failure(NamedTuple):
    """The last time that an endpoint was not well."""

    reason: str
    when: float
    """Seconds since 1970."""
    consecutive: int
    """Failures in a row until now; 0 when it has answered well since."""


class Watch:
    """Asks one target until it is stopped, one probe at a time. Needs a running loop."""

    def __init__(
        self,
        service: str,
        target: Target,
        options: HealthCheck,
        trust: Trust,
        push: Callable[[EndpointHealth], None],
        room: asyncio.Semaphore,
        delay: float,
        before: Watch | None,
    ) -> None:
        """The first probe is after `delay` seconds; `room` is for how many may run at once, in all.

        `before` asked the same URL in another way: what it found out holds until there is news.
        """
        self.service = service
        self.target = target
        self.options = options
        self.trust = trust
        self.failure: Failure | None = None
        self._machine = HealthMachine(
            options.unhealthy_threshold, options.healthy_threshold, options.degraded_threshold
        )
        if before is not None:
            self._machine.restore(before._machine.state)
            self.failure = before.failure
        self._push = push
        self._room = room
        self._task = spawn(self._run(delay), f"probe {target.url}")

    @property
    def state(self) -> State:
        """What the answers until now say."""
        return cast(State, self._machine.state)

    def stop(self) -> None:
        """Ask no more; nothing is pushed after this."""
        self._task.cancel()

    def forget(self) -> None:
        """Ask no more, and take back what was said: nobody would say when it is well again."""
        self.stop()
        if self.state != HEALTHY:
            self._push(EndpointHealth(self.service, self.target.url, "healthy"))

    async def _run(self, delay: float) -> None:
        await asyncio.sleep(delay)
        clock = asyncio.get_running_loop().time
        while True:
            async with self._room:
                began = clock()
                asking = spawn(self._ask(), "probe")
                try:
                    await asyncio.wait([asking], timeout=_STARTING)
                except asyncio.CancelledError:
                    asking.cancel()
                    raise
            self._seen(await asking)
            await asyncio.sleep(began + self._interval() - clock())

    async def _ask(self) -> str | None:
        """Why it is not well, None when it is."""
        try:
            await probe(self.target, self.options, self.trust)
        except ProbeFailed as error:
            return str(error)
        except Exception as error:  # a mistake of ours must not end the probes of an endpoint for good
            _log.exception("a probe broke", extra=self._about())
            return f"{type(error).__name__}: {error}"
        return None

    def _seen(self, reason: str | None) -> None:
        if reason is not None:
            consecutive = self.failure.consecutive if self.failure is not None else 0
            self.failure = Failure(reason, time.time(), consecutive + 1)
        elif self.failure is not None:
            self.failure = self.failure._replace(consecutive=0)
        if self._machine.seen(reason is None):
            self._tell()

    def _tell(self) -> None:
        if self.state == HEALTHY:
            _log.info("an endpoint is healthy again", extra=self._about())
        else:
            extra = {**self._about(), "reason": self.failure.reason if self.failure is not None else ""}
            _log.warning("an endpoint is %s", self.state, extra=extra)
        self._push(EndpointHealth(self.service, self.target.url, self.state))

    def _interval(self) -> float:
        """From the beginning of one probe to the beginning of the next."""
        options = self.options
        seconds = options.interval
        if self.state == UNHEALTHY and options.unhealthy_interval is not None:
            seconds = options.unhealthy_interval
        jitter = options.jitter / 100
        return seconds * uniform(1 - jitter, 1 + jitter)  # noqa: S311 -- spreads load, keeps no secret

    def _about(self) -> dict[str, str]:
        return {"service": self.service, "endpoint": self.target.url}
