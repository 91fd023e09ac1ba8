"""Change the path by a regular expression."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.http.retarget import retarget
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions
from a3sgw.patterns import Expression, compile_replacer


class Options(BaseOptions):
    """Options of `replace-path-regex`."""

    regex: Expression
    """Expression for the path, with reserved characters encoded and all others not, as in rules; the query is no part
    of it."""

    replacement: str
    """What takes the place of every match: `$1` is the first group, `$name` one with a name. In HCL, where `${` begins
    an interpolation, `${1}` is written `$${1}`."""


class ReplacePathRegex(Middleware[Options]):
    """The endpoint is told in X-Replaced-Path what the path was; a result with dot segments is refused."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._replacer = compile_replacer(options.regex, options.replacement)

    def request(self, request: Request) -> None:
        """Change path and target alike, if anything matches."""
        path = self._replacer.replace(request.path)
        if path is not None:
            before = request.target.partition(b"?")[0]
            retarget(request, path)
            request.headers.set(b"X-Replaced-Path", before)
