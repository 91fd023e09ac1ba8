"""The same with steps that wait until a test opens the gate."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.options import BaseOptions
from a3sgw.outcome import Outcome


class Options(BaseOptions):
    """Options of `slow-recorder`."""

    waits_for: tuple[str, ...] = ("request", "response")
    """The hooks that wait at the gate."""


class SlowRecorder(Middleware[Options]):
    """`arrived` is set when a step has come to the gate."""

    notes: ClassVar[list[str]] = []
    gate: ClassVar[asyncio.Event]
    arrived: ClassVar[asyncio.Event]

    async def _wait(self, hook: str) -> None:
        self.notes.append(hook)
        if hook in self.options.waits_for:
            self.arrived.set()
            await self.gate.wait()

    async def request(self, request: Request) -> Response | None:
        """Wait, then let it pass."""
        await self._wait("request")
        return None

    def request_body(self, request: Request) -> BodyFilter | None:
        """Upper case, so that every byte shows whether it came through here."""
        return _Upper()

    async def response(self, request: Request, response: Response) -> None:
        """Wait, then leave a mark."""
        await self._wait("response")
        response.headers.add(b"X-Slow", b"yes")

    def done(self, request: Request, outcome: Outcome) -> None:
        """Note how it ended."""
        self.notes.append(f"done {outcome.status}")


class _Upper(BodyFilter):
    keeps_length = True

    def feed(self, data: bytes) -> bytes:
        return data.upper()
