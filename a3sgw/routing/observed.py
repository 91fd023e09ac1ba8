"""A middleware that is only tried: what it would refuse is counted and logged, and goes on."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from a3sgw.errors import GatewayError
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.tasks import unless_cancelled

_log = logging.getLogger("a3sgw.routing")


def is_observed(middleware: Middleware[Any]) -> bool:
    """Whether its options say ``mode = "observe"``."""
    return getattr(middleware.options, "mode", "") == "observe"


class Observed:
    """Stands in a chain for the deciding hooks of one middleware; neither a refusal nor a bug there stops a request."""

    __slots__ = ("_middleware",)

    def __init__(self, middleware: Middleware[Any]) -> None:
        self._middleware = middleware

    def request(self, request: Request) -> Awaitable[None] | None:
        """As the middleware decides, without consequences."""
        try:
            result = self._middleware.request(request)
        except Exception as error:
            self.would_block(request, error)
        else:
            if isinstance(result, Response):
                self.would_block(request, None)
            elif result is not None:
                return self._waited(request, result)
        return None

    async def _waited(self, request: Request, result: Awaitable[Response | None]) -> None:
        try:
            response = await unless_cancelled(result)
        except Exception as error:
            self.would_block(request, error)
        else:
            if response is not None:
                self.would_block(request, None)

    def request_body(self, request: Request) -> BodyFilter | None:
        """A filter that lets everything pass."""
        try:
            made = self._middleware.request_body(request)
        except Exception as error:
            self.would_block(request, error)
            return None
        return _ObservedFilter(self, request, made) if made is not None else None

    def would_block(self, request: Request, error: Exception | None) -> None:
        """Count it, and note it for the access log."""
        middleware = self._middleware
        if error is not None and not isinstance(error, GatewayError):
            middleware.context.count("failed")
            _log.error("a middleware failed", extra={"middleware": middleware.context.name}, exc_info=error)
            return
        middleware.context.count("would_block")
        before = (request.facts or {}).get("would_block", ())
        reason = getattr(error, "reason", "") if error is not None else "it would have answered"
        named = f"{middleware.context.name}: {reason}" if reason else middleware.context.name
        request.learn("would_block", (*before, named))


class _ObservedFilter(BodyFilter):
    def __init__(self, owner: Observed, request: Request, inner: BodyFilter) -> None:
        self._owner = owner
        self._request = request
        self._inner: BodyFilter | None = inner
        self.keeps_length = inner.keeps_length

    def feed(self, data: bytes) -> bytes:
        if self._inner is None:
            return data
        try:
            return self._inner.feed(data)
        except Exception as error:
            self._inner = None
            self._owner.would_block(self._request, error)
            return data

    def flush(self) -> bytes:
        if self._inner is None:
            return b""
        try:
            return self._inner.flush()
        except Exception as error:
            self._owner.would_block(self._request, error)
            return b""
