"""Send clients to the same address with another scheme or port: from HTTP to HTTPS."""

from __future__ import annotations

from a3sgw.http.location import address, is_challenge, redirect
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Options(BaseOptions):
    """Options of `redirect-scheme`."""

    scheme: str = Field(pattern=r"^(?:https?|wss?)$")
    """Where to: `https`, `http`, `wss` or `ws`."""

    port: int = Field(0, ge=0, le=65535)
    """Port to name; 0 names none, which is that of the scheme."""

    permanent: bool = False
    """301, or 308 where it is no GET, instead of 302 and 307: browsers remember it."""


class RedirectScheme(Middleware[Options]):
    """Requests that are there already pass, as do ACME challenges on plain HTTP.

    Behind another proxy the scheme is what that says in X-Forwarded-Proto, if its address is in `trusted_ips`.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        named = options.port and options.port != _DEFAULT_PORTS[options.scheme]
        self._scheme = options.scheme.encode()
        self._same = {"http": b"ws", "https": b"wss"}.get(options.scheme)
        self._port = b":%d" % options.port if named else b""

    def request(self, request: Request) -> Response | None:
        """Redirect what came by another scheme, or to another port."""
        host = request.authority
        if host[-1:] != b"]":
            name, colon, port = host.rpartition(b":")
            host = name if colon and port.isdigit() else host.removesuffix(b":")
        if not host:
            return None
        target = request.target if request.target[:1] == b"/" else b"/"
        wanted = b"%b://%b%b%b" % (self._scheme, host, self._port, target)
        if request.scheme == self._same:  # a WebSocket over TLS, as another proxy calls it
            return None
        if wanted == address(request) or (request.scheme == b"http" and is_challenge(request)):
            return None
        return redirect(request, wanted, self.options.permanent)
