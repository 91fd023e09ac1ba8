"""Take a prefix off the path that is known by its pattern."""

from __future__ import annotations

from a3sgw.http.message import Request
from a3sgw.http.retarget import strip
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field
from a3sgw.patterns import Expression, compile_replacer


class Options(BaseOptions):
    """Options of `strip-prefix-regex`."""

    regex: tuple[Expression, ...] = Field(min_length=1)
    """Expressions for the beginning of the path, with reserved characters encoded and all others not; the first whose
    leftmost match the path begins with is taken off."""


class StripPrefixRegex(Middleware[Options]):
    """The endpoint is told in X-Forwarded-Prefix what is missing; dot segments that are left are refused."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._expressions = tuple(map(compile_replacer, options.regex))

    def request(self, request: Request) -> None:
        """Change path and target alike."""
        for expression in self._expressions:
            prefix = expression.match(request.path)
            if prefix and request.path.startswith(prefix):
                strip(request, prefix)
                return
