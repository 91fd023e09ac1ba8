"""A middleware kind that keeps a diary, for tests that watch instances come and go."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions


class Options(BaseOptions):
    """Options of `diary`."""

    label: str
    """What it calls itself."""

    fails: bool = False
    """Whether `open` fails."""

    waits: bool = False
    """Whether requests wait until somebody sets `Diary.gate`."""


class Diary(Middleware[Options]):
    """Writes down when it is opened, asked and closed. The diary is on the class, since tests do not see instances."""

    entries: ClassVar[list[str]] = []
    gate: ClassVar[asyncio.Event]

    async def open(self) -> None:
        """Note it, and fail if told so."""
        self.entries.append(f"open {self.options.label}")
        if self.options.fails:
            raise RuntimeError("the other side does not answer")

    async def close(self) -> None:
        """Note it."""
        self.entries.append(f"close {self.options.label}")

    async def request(self, request: Request) -> None:
        """Note it, and wait if told so."""
        self.entries.append(f"request {self.options.label}")
        if self.options.waits:
            await self.gate.wait()
            self.entries.append(f"passed {self.options.label}")
