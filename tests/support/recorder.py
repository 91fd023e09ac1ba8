"""A middleware of somebody else's making: it overrides every hook and notes each call."""

from __future__ import annotations

from typing import ClassVar

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.options import BaseOptions
from a3sgw.outcome import Outcome


class Options(BaseOptions):
    """Options of `recorder`."""

    name: str
    """What it calls itself in its notes."""

    answers: int = 0
    """Status it answers every request with; 0 lets them pass."""

    refuses: int = 0
    """Status it refuses every request with, as an error."""

    breaks: str = ""
    """Hook that has a bug."""

    tail: str = ""
    """What it appends to bodies."""


class Recorder(Middleware[Options]):
    """Notes are kept on the class, since tests do not see instances."""

    notes: ClassVar[list[str]] = []

    def _note(self, hook: str) -> None:
        self.notes.append(f"{self.options.name}.{hook}")
        if self.options.breaks == hook:
            raise RuntimeError("a secret detail")

    async def open(self) -> None:
        """Note it."""
        self._note("open")

    async def close(self) -> None:
        """Note it."""
        self._note("close")

    def request(self, request: Request) -> Response | None:
        """Let it pass, answer, or refuse."""
        self._note("request")
        if self.options.refuses:
            raise ClientError(self.options.refuses, "as told")
        return Response(self.options.answers, Headers(), b"mine") if self.options.answers else None

    def request_body(self, request: Request) -> BodyFilter | None:
        """Note every piece."""
        return _Noting(self, "request_body")

    def response(self, request: Request, response: Response) -> None:
        """Leave a mark that tells the order."""
        self._note("response")
        response.headers.add(b"X-Seen-By", self.options.name.encode())

    def response_body(self, request: Request, response: Response) -> BodyFilter | None:
        """Note every piece."""
        return _Noting(self, "response_body")

    def done(self, request: Request, outcome: Outcome) -> None:
        """Note how it ended."""
        self._note(f"done {outcome.status}")


class _Noting(BodyFilter):
    def __init__(self, owner: Recorder, hook: str) -> None:
        self._owner = owner
        self._hook = hook
        self.keeps_length = not owner.options.tail

    def feed(self, data: bytes) -> bytes:
        self._owner._note(self._hook)
        return data.upper()

    def flush(self) -> bytes:
        return self._owner.options.tail.encode()
