"""Take a prefix off the path before the endpoint sees it."""

from __future__ import annotations

import re

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field

_DOTS = re.compile(rb"(?:\A|/)\.{1,2}(?:/|\Z)")
_PIECE = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)


class Options(BaseOptions):
    """Options of `strip-prefix`."""

    prefixes: tuple[str, ...] = Field(min_length=1)
    """Prefixes to take off; the first that fits is taken."""


class StripPrefix(Middleware[Options]):
    """The endpoint is told in X-Forwarded-Prefix what is missing."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._prefixes = tuple(prefix.encode() for prefix in options.prefixes)

    def request(self, request: Request) -> None:
        """Change path and target alike; what would leave ``.`` or ``..`` behind is refused (semantics T-19)."""
        for prefix in self._prefixes:
            if request.path.startswith(prefix):
                self._strip(request, prefix)
                return

    def _strip(self, request: Request, prefix: bytes) -> None:
        raw, mark, query = request.target.partition(b"?")
        path = request.path[len(prefix) :]
        rest = raw[len(prefix) :] if raw.startswith(prefix) else _raw_rest(raw, len(prefix))
        if _DOTS.search(path) or _DOTS.search(rest):
            raise ClientError(400, "dot segments behind a stripped prefix")
        request.path = path if path.startswith(b"/") else b"/" + path
        request.target = (rest if rest.startswith(b"/") else b"/" + rest) + mark + query
        request.headers.add(b"X-Forwarded-Prefix", prefix)


def _raw_rest(raw: bytes, length: int) -> bytes:
    """What of a percent-encoded path lies behind `length` characters of the routing path, in which reserved triples are
    still three characters and all others one."""
    position = 0
    for found in _PIECE.finditer(raw):
        if length <= 0:
            return raw[position:]
        piece = found[0]
        reserved = len(piece) == 3 and bytes([int(piece[1:], 16)]) in b":/?#[]@!$&'()*+,;=%"
        length -= 3 if reserved else 1
        position = found.end()
    return raw[position:]
