"""Let pages of other origins use an API: CORS as the Fetch standard has it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from a3sgw.http.field_changes import Lines, extend
from a3sgw.http.headers import KEYS, Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.origin import Origins
from a3sgw.http.vary import add_vary
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Duration, OptionError, field_validator, model_validator
from a3sgw.patterns import PatternError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKENS = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:,[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_LONGEST = 4096
"""Bytes of a list of names that are given back."""
_ANSWERED = Lines((b"access-control-", b"vary"))
_ANYBODY = b"https://nobody.invalid"
"""Matched only by what matches every host (RFC 6761 §6.4)."""
_CONTROL = b"access-control-"


class Options(BaseOptions):
    """Options of `cors`."""

    allowed_origins: tuple[str, ...] = ()
    """Origins that may ask: `https://app.example.com`, with every subdomain of one label `https://*.example.com`, or
    `*` for all. Scheme, host and port have to be the same. Nobody may by default. `null`, which is the origin of every
    sandboxed page and local file, cannot be listed."""

    allowed_origin_regexes: tuple[str, ...] = ()
    """More of them, as regular expressions (RE2) that match the whole origin in lower case, from scheme to port;
    Traefik is content with a part of it, which strangers can bring about with a host of their own."""

    allowed_methods: tuple[str, ...] = ()
    """Methods they may use; GET, HEAD and POST when empty, and `*` for all."""

    allowed_headers: tuple[str, ...] = ()
    """Header fields they may send beside those that browsers always allow; `*` allows all that are asked for,
    Authorization included."""

    exposed_headers: tuple[str, ...] = ()
    """Header fields of answers their scripts may read beside those that browsers always show; `*` for all."""

    max_age: Duration | None = None
    """How long a browser may remember what it was allowed; by default it decides (5 s). 0 lets it ask each time."""

    allow_credentials: bool = False
    """Whether cookies and Authorization are sent along; not with `*` as the origin, where Traefik would let every
    page of the web act in the name of its visitor."""

    allow_private_network: bool = False
    """Whether pages of public sites may ask, although the gateway's address is a private one."""

    @field_validator("allowed_methods")
    @classmethod
    def _methods(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(method.upper() for method in _tokens(methods, "method"))

    @field_validator("allowed_headers", "exposed_headers")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _tokens(names, "header name")

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        Origins(_without_star(origins))
        return origins

    @field_validator("allowed_origin_regexes")
    @classmethod
    def _regexes(cls, expressions: tuple[str, ...]) -> tuple[str, ...]:
        try:
            Origins((), expressions)
        except PatternError as error:
            raise OptionError(error.message, error.help) from None
        return expressions

    @model_validator(mode="after")
    def _credentials_need_names(self) -> Options:
        for key in ("allowed_origins", "exposed_headers") if self.allow_credentials else ():
            if "*" in getattr(self, key):
                raise OptionError('"*" does not go with allow_credentials', "list them by name", key)
        if self.allow_credentials and _ANYBODY in Origins((), self.allowed_origin_regexes):
            key = "allowed_origin_regexes"
            raise OptionError(
                "this lets every site act in the name of its visitors", "say which host it has to be", key
            )
        return self


class Cors(Middleware[Options]):
    """Answers preflights before anybody else is asked, and says on every other answer, also on those the gateway makes,
    which origin may read it. What the endpoint says of CORS is replaced.

    An origin that is not allowed learns nothing: its preflight is 200 without any CORS field, and its request goes on,
    for it is the browser that does not show the answer. Methods and names that are not allowed are missing from the
    lists. Answers that depend on the origin say so in Vary, also those to requests without one.
    """

    stands_first = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._all = "*" in options.allowed_origins
        self._origins = Origins(_without_star(options.allowed_origins), options.allowed_origin_regexes)
        exposed = _line("Access-Control-Expose-Headers", options.exposed_headers)
        credentials = b"Access-Control-Allow-Credentials: true\r\n" if options.allow_credentials else b""
        self._credentials = credentials
        self._behind_origin = credentials + exposed
        self._for_all = b"Access-Control-Allow-Origin: *\r\n" + exposed if self._all else b""
        methods, headers = options.allowed_methods or ("GET", "HEAD", "POST"), options.allowed_headers
        self._methods = b"" if "*" in methods else _line("Access-Control-Allow-Methods", methods)
        self._headers = b"" if "*" in headers else _line("Access-Control-Allow-Headers", headers)
        self._any_header = "*" in headers
        age = options.max_age
        self._max_age = b"" if age is None else b"Access-Control-Max-Age: %d\r\n" % age
        private = ("Access-Control-Request-Private-Network",) if options.allow_private_network else ()
        asked = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers", *private)
        self._vary = f"Vary: {', '.join(asked)}\r\n".encode()

    def request(self, request: Request) -> Response | None:
        """An empty 200 for a preflight: OPTIONS with an origin and the method it would like to use."""
        if request.method != b"OPTIONS":
            return None
        method = request.headers.get(b"access-control-request-method")
        if method is None or b"origin" not in request.headers:
            return None
        return Response(200, Headers(self._allowed(request, method) + self._vary))

    def response(self, request: Request, response: Response) -> None:
        """Say who may read it."""
        lines = self._for_all
        if not self._all:
            origin = _origin(request)
            if origin and origin in self._origins:
                lines = b"Access-Control-Allow-Origin: %b\r\n%b" % (origin, self._behind_origin)
        if extend(response, _ANSWERED, lines if self._all else lines + b"Vary: Origin\r\n"):
            return
        headers = response.headers
        if headers.begins(_CONTROL):
            for name in {name.lower().replace(b"_", b"-") for name, _ in headers}:
                if name.startswith(_CONTROL):
                    headers.remove(name)
        headers.extend(lines)
        if not self._all:
            add_vary(headers, (b"Origin",))

    def _allowed(self, request: Request, method: bytes) -> bytes:
        """The field lines of a preflight's answer; none for an origin that is not allowed."""
        origin = b"*" if self._all else _origin(request)
        if not self._all and origin not in self._origins:
            return b""
        lines = [b"Access-Control-Allow-Origin: %b\r\n" % origin, self._credentials]
        lines.append(self._methods or _echoed(b"Access-Control-Allow-Methods", method))
        wanted = b",".join(request.headers.get_all(b"access-control-request-headers"))
        lines.append(_echoed(b"Access-Control-Allow-Headers", wanted) if self._any_header else self._headers)
        lines.append(self._max_age)
        if self.options.allow_private_network and (
            request.headers.get(b"access-control-request-private-network") == b"true"
        ):
            lines.append(b"Access-Control-Allow-Private-Network: true\r\n")
        return b"".join(lines)


def _origin(request: Request) -> bytes:
    """The one origin of a request as the client sent it; ``b""`` for none, and for more than one."""
    head = request.raw_head
    if not head:
        found = request.headers.get_all(b"origin")
        return found[0] if len(found) == 1 else b""
    at = head.find(b"\nOrigin:")  # as browsers write it; none of them sends two, or lets a page write another
    if at < 0:
        keys = head.translate(KEYS)
        at = keys.find(b"\norigin:")
        if at < 0 or keys.find(b"\norigin:", at + 1) >= 0:
            return b""
    elif head.find(b"\nOrigin:", at + 1) >= 0:
        return b""
    return head[at + 8 : head.find(b"\r", at)].strip(b" \t")


def _tokens(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise OptionError(f'"{name}" is not a {what}', "write each one as an item of the list")
    return names


def _without_star(origins: Iterable[str]) -> list[str]:
    return [origin for origin in origins if origin != "*"]


def _line(name: str, values: tuple[str, ...]) -> bytes:
    return f"{name}: {','.join(values)}\r\n".encode() if values else b""


def _echoed(name: bytes, value: bytes) -> bytes:
    """What was asked for, allowed; nothing when that is no list of names, in which items may be empty (RFC 9110)."""
    names = b",".join(one for one in (item.strip(b" \t") for item in value.split(b",")) if one)
    fits = len(value) <= _LONGEST and _TOKENS.fullmatch(names) is not None
    return b"%b: %b\r\n" % (name, names) if fits else b""
