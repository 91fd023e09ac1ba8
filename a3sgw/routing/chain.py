"""The middlewares of one route, compiled: flat tuples of the hooks that exist."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware, Outcome
from a3sgw.plan import Plan

RequestStep = Callable[[Request], Response | Awaitable[Response | None] | None]
ResponseStep = Callable[[Request, Response], Response | Awaitable[Response | None] | None]


class Chain:
    """Hooks in the order they run. Each response and done step carries how many request steps must have passed before
    it.

    `request_waits` and `response_waits` tell whether a step is ``async``: only then does an exchange get a task.
    """

    __slots__ = (
        "decides",
        "done",
        "middlewares",
        "request",
        "request_body",
        "request_waits",
        "responds",
        "response",
        "response_body",
        "response_waits",
    )

    def __init__(self, middlewares: Sequence[Middleware[Any]] = ()) -> None:
        self.middlewares = tuple(middlewares)
        request: list[RequestStep] = []
        response: list[tuple[int, ResponseStep]] = []
        done: list[tuple[int, Callable[[Request, Outcome], None]]] = []
        for middleware in middlewares:
            if _has(middleware, "request"):
                request.append(middleware.request)
            if _has(middleware, "response"):
                response.append((len(request), middleware.response))
            if _has(middleware, "done"):
                done.append((len(request), middleware.done))
        self.request = tuple(request)
        self.response = tuple(reversed(response))
        self.done = tuple(reversed(done))
        self.request_body: tuple[Callable[[Request], BodyFilter | None], ...] = tuple(
            one.request_body for one in middlewares if _has(one, "request_body")
        )
        self.response_body: tuple[Callable[[Request, Response], BodyFilter | None], ...] = tuple(
            one.response_body for one in reversed(middlewares) if _has(one, "response_body")
        )
        self.decides = bool(self.request or self.request_body)
        """Whether anything is to be asked before a request goes on."""
        self.responds = bool(self.response or self.response_body)
        """Whether anybody looks at a response before it goes on."""
        self.request_waits = any(inspect.iscoroutinefunction(step) for step in request)
        self.response_waits = any(inspect.iscoroutinefunction(step) for _, step in response)

    def plan(self, plan: Plan) -> Plan:
        """What the middlewares make of the service's plan."""
        for middleware in self.middlewares:
            plan = middleware.plan(plan)
        return plan


def _has(middleware: Middleware[Any], hook: str) -> bool:
    return getattr(type(middleware), hook) is not getattr(Middleware, hook)
