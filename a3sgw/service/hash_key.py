"""From `hash_on` to the bytes of a request that hashing strategies go by."""

from __future__ import annotations

import re

from a3sgw.balancers.base import Key, client_ip
from a3sgw.http.message import Request


def hash_key(hash_on: str) -> Key:
    """The function for ``ip`` (or empty), ``path``, ``header:X``, ``cookie:X`` or ``claim:X``.

    A request that lacks it, or has it empty, goes by its client's address: all of them at one endpoint would be worse.
    Raises ValueError for anything else.
    """
    source, _, name = hash_on.partition(":")
    if source in ("", "ip", "path") and not name:
        return _path if source == "path" else client_ip
    makers = {"header": _header, "cookie": _cookie, "claim": _claim}
    if source not in makers or not name:
        raise ValueError(f"nothing to hash on: {hash_on}")
    return makers[source](name)


def _path(request: Request) -> bytes:
    return request.path


def _header(name: str) -> Key:
    """The first value, as middlewares left it; Host without port and case."""
    wanted = name.lower().encode()
    if wanted == b"host":
        return lambda request: request.host or client_ip(request)
    return lambda request: request.headers.get(wanted) or client_ip(request)


def _cookie(name: str) -> Key:
    """The first cookie of that name (case matters), in any of the Cookie fields."""
    found = re.compile(rb"(?:^|;)[ \t]*" + re.escape(name.encode()) + rb"=([^;]*)").search

    def key(request: Request) -> bytes:
        for value in request.headers.get_all(b"cookie"):
            match = found(value)
            if match is not None and (cookie := match[1].strip(b" \t")):
                return cookie
        return client_ip(request)

    return key


def _claim(name: str) -> Key:
    """What a jwt middleware found in the token; anything but text as Python writes it."""

    def key(request: Request) -> bytes:
        claims = request.facts.get("claims") if request.facts is not None else None
        value = claims.get(name) if claims else None
        return str(value).encode(errors="surrogatepass") if value not in (None, "") else client_ip(request)

    return key
