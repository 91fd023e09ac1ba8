"""One name for several middlewares, in order."""

from __future__ import annotations

from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field, MiddlewareName


class Options(BaseOptions):
    """Options of `chain`."""

    middlewares: tuple[MiddlewareName, ...] = Field(min_length=1)
    """Middlewares it stands for, in the order they run; they may be chains themselves."""


class ChainMiddleware(Middleware[Options]):
    """Has no hooks of its own: routes that name it get its parts when they are compiled, so it costs nothing."""
