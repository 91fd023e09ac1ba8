"""Take a prefix off the path before the endpoint sees it."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.http.retarget import strip, told_prefix
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field


class Options(BaseOptions):
    """Options of `strip-prefix`."""

    prefixes: tuple[str, ...] = Field(min_length=1)
    """Prefixes to take off; the first that fits is taken."""


class StripPrefix(Middleware[Options]):
    """The endpoint is told in X-Forwarded-Prefix what is missing; dot segments that are left are refused."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        prefixes = [prefix.encode() for prefix in options.prefixes]
        self._prefixes = tuple((prefix, told_prefix(prefix)) for prefix in prefixes)

    def request(self, request: Request) -> None:
        """Change path and target alike."""
        for prefix, line in self._prefixes:
            if request.path.startswith(prefix):
                strip(request, prefix, line)
                return
