"""Put a prefix before the path."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.http.retarget import encode_path
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field


class Options(BaseOptions):
    """Options of `add-prefix`."""

    prefix: str = Field(pattern=r"^/?[^/?#][^?#]*$")
    """What comes before the path, such as `/app`."""


class AddPrefix(Middleware[Options]):
    """What follows keeps the spelling that the client chose."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._path = b"/" + options.prefix.strip("/").encode()
        self._raw = encode_path(self._path)

    def request(self, request: Request) -> None:
        """Change path and target alike."""
        request.path = self._path + request.path
        request.target = self._raw + request.target
