"""The middlewares of one route, compiled: flat tuples of the hooks that exist."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.outcome import Outcome
from a3sgw.plan import Plan
from a3sgw.routing.observed import Observed, is_observed

OWN_FIELDS = frozenset(
    {
        *(b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-real-ip"),
        *(b"x-request-id", b"x-forwarded-tls-client-cert", b"x-forwarded-tls-client-cert-info"),
    }
)
"""What the gateway tells endpoints by itself: every one, or what a trusted proxy has told about certificates."""
RequestStep = Callable[[Request], Response | Awaitable[Response | None] | None]
ResponseStep = Callable[[Request, Response], Response | Awaitable[Response | None] | None]


class Chain:
    """Hooks in the order they run. Each response and done step carries how many request steps must have passed before
    it.

    A step that has to wait returns an awaitable: only then does an exchange get a task.
    """

    __slots__ = (
        "body_at",
        "body_bytes",
        "body_required",
        "count",
        "decides",
        "done",
        "gives_way",
        "middlewares",
        "request",
        "request_body",
        "responds",
        "response",
        "response_body",
        "response_waits",
    )

    def __init__(self, middlewares: Sequence[Middleware[Any]] = ()) -> None:
        self.middlewares = tuple(sorted(middlewares, key=lambda one: not one.stands_first))
        request: list[RequestStep] = []
        count: list[Callable[[str], None]] = []
        response: list[tuple[int, ResponseStep]] = []
        request_body: list[Callable[[Request], BodyFilter | None]] = []
        done: list[tuple[int, Callable[[Request, Outcome], None]]] = []
        wants: list[int] = []
        for middleware in self.middlewares:
            if middleware.body_bytes:
                wants.append(len(request))
            decides = Observed(middleware) if is_observed(middleware) else middleware
            if _has(middleware, "request"):
                request.append(decides.request)
                count.append(middleware.context.count)
            if _has(middleware, "request_body"):
                request_body.append(decides.request_body)
            if _has(middleware, "response"):
                response.append((len(request), middleware.response))
            if _has(middleware, "done"):
                done.append((len(request), middleware.done))
        self.request = tuple(request)
        self.count = tuple(count)
        """For each request step: counts what it did other than let a request pass."""
        self.response = tuple(reversed(response))
        self.done = tuple(reversed(done))
        self.request_body = tuple(request_body)
        self.response_body: tuple[Callable[[Request, Response], BodyFilter | None], ...] = tuple(
            one.response_body for one in reversed(self.middlewares) if _has(one, "response_body")
        )
        self.decides = bool(self.request or self.request_body)
        """Whether anything is to be asked before a request goes on."""
        self.responds = bool(self.response or self.response_body)
        """Whether anybody looks at a response before it goes on."""
        self.response_waits = any(
            one.response_may_wait or inspect.iscoroutinefunction(one.response) for one in self.middlewares
        )
        """Whether a response step may have to wait."""
        self.body_bytes = max((one.body_bytes for one in self.middlewares), default=0)
        """Bytes of a request's body to gather for steps that want to see it."""
        self.body_at = min(wants, default=0)
        """The first of them."""
        self.body_required = any(one.body_bytes and not is_observed(one) for one in self.middlewares)
        """Whether a request with a longer body is refused."""

        own = OWN_FIELDS & {name.lower().replace(b"_", b"-") for one in self.middlewares for name in one.sets_fields}
        self.gives_way = re.compile(rb"(?:%b):[^\r]*\r\n" % b"|".join(sorted(own)), re.IGNORECASE) if own else None
        """Finds the gateway's own field lines that it must not add, because a middleware has set them."""

    def plan(self, plan: Plan) -> Plan:
        """What the middlewares make of the service's plan."""
        for middleware in self.middlewares:
            plan = middleware.plan(plan)
        return plan


def _has(middleware: Middleware[Any], hook: str) -> bool:
    return getattr(type(middleware), hook) is not getattr(Middleware, hook)
