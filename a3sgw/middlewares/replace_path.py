"""Ask the endpoint for one path, whatever the client has asked for."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.http.retarget import retarget
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field


class Options(BaseOptions):
    """Options of `replace-path`."""

    path: str = Field(pattern=r"^/[^?#]*$")
    """The path; the query stays. `rewrite` can change both."""


class ReplacePath(Middleware[Options]):
    """The endpoint is told in X-Replaced-Path what the path was."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._path = options.path.encode()

    def request(self, request: Request) -> None:
        """Change path and target alike."""
        request.headers.set(b"X-Replaced-Path", request.target.partition(b"?")[0])
        retarget(request, self._path)
