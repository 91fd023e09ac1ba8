"""Ask again when that is harmless, for the routers that name it; the same options as `retries` of a service."""

from __future__ import annotations

from dataclasses import replace

from a3sgw.config.retries import Retries
from a3sgw.middlewares.base import Middleware, Stage
from a3sgw.plan import Plan
from a3sgw.retry_policy import RetryPolicy


class Options(Retries):
    """Options of `retry`."""


class Retry(Middleware[Options]):
    """Takes the place of what the service says about retries; all routers that name it share its budget."""

    stage = Stage.REPETITION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._policy = RetryPolicy(options)

    def plan(self, plan: Plan) -> Plan:
        """The service's plan, with these retries."""
        return replace(plan, retries=self._policy)
