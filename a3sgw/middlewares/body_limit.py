"""Refuse request bodies that are too large, by their declared length or while they stream."""

from __future__ import annotations

from collections.abc import Callable

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import BodyFilter, Middleware, RefusingOptions, Stage
from a3sgw.options import Size


class Options(RefusingOptions):
    """Options of `body-limit`."""

    max_body_bytes: Size
    """Bytes of a request body that are let through; more is answered with 413."""


class BodyLimit(Middleware[Options]):
    """A declared length is judged before the endpoint hears of it, a chunked body as it comes."""

    stage = Stage.LIMITS

    def request(self, request: Request) -> None:
        """Refuse a Content-Length above the limit."""
        if (request.content_length or 0) > self.options.max_body_bytes:
            raise ClientError(413, f"{request.content_length} bytes, {self.options.max_body_bytes} allowed")

    def request_body(self, request: Request) -> BodyFilter | None:
        """Count a body whose length nobody declared."""
        if request.content_length is not None:
            return None
        return _Counter(self.options.max_body_bytes, self.context.count if self.options.mode == "enforce" else _nothing)


def _nothing(what: str) -> None:
    """An observer refuses nothing."""


class _Counter(BodyFilter):
    keeps_length = True

    def __init__(self, limit: int, count: Callable[[str], None]) -> None:
        self._limit = limit
        self._count = count
        self._left = limit

    def feed(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            self._count("refused")
            raise ClientError(413, f"more than the {self._limit} bytes allowed")
        return data
