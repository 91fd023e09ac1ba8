"""Send clients elsewhere when the address they asked for matches."""

from __future__ import annotations

from a3sgw.http.location import address, redirect
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field
from a3sgw.patterns import Expression, compile_replacer


class Options(BaseOptions):
    """Options of `redirect-regex`."""

    regex: Expression
    """Expression for the whole address: scheme, host, port where the client named one, path, query."""

    replacement: str = Field(min_length=1)
    """What takes the place of every match: `$1` is the first group, `$name` one with a name. In HCL, where `${` begins
    an interpolation, `${1}` is written `$${1}`."""

    permanent: bool = False
    """301, or 308 where it is no GET, instead of 302 and 307: browsers remember it."""


class RedirectRegex(Middleware[Options]):
    """What does not match passes, as does what would be sent to where it is."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._replacer = compile_replacer(options.regex, options.replacement)

    def request(self, request: Request) -> Response | None:
        """Redirect what matches."""
        asked = address(request)
        location = self._replacer.replace(asked)
        if location is None or location == asked:
            return None
        return redirect(request, location, self.options.permanent)
