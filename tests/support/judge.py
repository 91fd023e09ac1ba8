"""A middleware that decides as the request itself says: it refuses, waits, wants the body, puts other answers in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware, RefusingOptions


class Options(RefusingOptions):
    """Options of `judge`."""

    looks_at: int = 0
    """Bytes of body it wants to see."""

    page: str = ""
    """What it sends instead of answers with 500 and above."""


class Judge(Middleware[Options]):
    """``X-Judge``: "403" refuses, "418!" answers, "bug" breaks, "wait" waits; "body" refuses the body."""

    response_may_wait = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.body_bytes = options.looks_at

    def request(self, request: Request) -> Response | Awaitable[Response | None] | None:
        """As told."""
        told = (request.headers.get(b"x-judge") or b"").decode()
        if request.body is not None:
            request.headers.set(b"X-Saw", request.body)
        if told == "cancelled":
            return self._cancelled()
        if told.startswith("wait"):
            return self._later(told.removeprefix("wait").strip())
        return self._say(told)

    async def _cancelled(self) -> None:
        raise asyncio.CancelledError

    async def _later(self, told: str) -> Response | None:
        await asyncio.sleep(0)
        return self._say(told)

    def _say(self, told: str) -> Response | None:
        if told == "bug":
            raise RuntimeError("a secret detail")
        if told.endswith("!"):
            return Response(int(told[:-1]), Headers(), b"judged")
        if told.isdigit():
            raise ClientError(int(told), "as told")
        return None

    def request_body(self, request: Request) -> BodyFilter | None:
        """One that refuses, when told."""
        told = request.headers.get(b"x-judge")
        if told == b"body bug":
            raise RuntimeError("a secret detail")
        return _Refusing(told == b"bug in body") if told in (b"body", b"bug in body") else None

    def response(self, request: Request, response: Response) -> Response | Awaitable[Response | None] | None:
        """The page, at once or later."""
        if not self.options.page or response.status < 500:
            return None
        if request.headers.get(b"x-page") == b"later":
            return self._page(response)
        return Response(response.status, Headers(b"X-Page: yes\r\n"), self.options.page.encode())

    async def _page(self, response: Response) -> Response:
        await asyncio.sleep(0)
        return Response(response.status, Headers(b"X-Page: later\r\n"), self.options.page.encode())


class _Refusing(BodyFilter):
    keeps_length = True

    def __init__(self, breaks: bool) -> None:
        self._breaks = breaks

    def feed(self, data: bytes) -> bytes:
        if self._breaks:
            raise RuntimeError("a secret detail")
        raise ClientError(413, "as told")
