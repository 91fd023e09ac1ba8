"""Stop forwarding the requests of the routers that name it, once too many of them fail."""

from __future__ import annotations

from math import ceil
from time import monotonic

from a3sgw.config.circuit_breaker import CircuitBreaker
from a3sgw.errors import Overloaded
from a3sgw.http.message import Request
from a3sgw.machines.breaker import Breaker
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.outcome import Outcome, has_failed


class Options(CircuitBreaker, RefusingOptions):
    """Options of `circuit-breaker`."""


class CircuitBreakerMiddleware(Middleware[Options]):
    """503 with Retry-After while it is open; put `errors` before it for another answer.

    All routers that name it share it, each worker has its own. The `circuit_breaker` of a service sees retries and
    other workers too, and can fall back to another service.
    """

    stage = Stage.REPETITION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._breaker = Breaker(options.machine())
        self._token = ""

    def attach(self, context: Context) -> None:
        """Its changes are counted like a service's."""
        super().attach(context)
        self._token = f"circuit-breaker {context.name}"
        self._breaker.changed = lambda state: context.count(f"breaker_{state.replace('-', '_')}")

    def request(self, request: Request) -> None:
        """Refuse while it is open; one that meets it twice counts once."""
        if request.facts is not None and self._token in request.facts:
            return
        now = monotonic()
        token = self._breaker.admit(now)
        if not token:
            raise Overloaded("the circuit breaker is open", ceil(self._breaker.retry_after(now)) or 1)
        request.learn(self._token, token)

    def done(self, request: Request, outcome: Outcome) -> None:
        """What no endpoint was asked about, and who left before the end, says nothing."""
        token = request.facts.pop(self._token, 0) if request.facts is not None else 0
        if not token:
            return
        failed = has_failed(outcome)
        if failed is None:
            self._breaker.forget(token)
        else:
            self._breaker.outcome(token, monotonic(), failed, outcome.upstream_seconds or None)
