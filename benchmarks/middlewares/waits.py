"""A middleware that waits for the event loop once: what any of those costs that ask somebody."""

from __future__ import annotations

import asyncio

from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions


class Options(BaseOptions):
    """None."""


class Waits(Middleware[Options]):
    """One task for each request."""

    async def request(self, request: Request) -> None:
        """Let the others go first."""
        await asyncio.sleep(0)
