"""Pieces of a request by the names operators write: ``header:X-Tenant``, ``claim.sub``, ``path.world_id``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from a3sgw.http.certificate_fields import certificate_field
from a3sgw.http.message import Request
from a3sgw.http.secured import Secured
from a3sgw.options import OptionError

Lookup = Callable[[Request], bytes]
"""What the request has there; ``b""`` where it has nothing."""

_NAME = re.compile(r"([a-z_]+)(?:[:.](.+))?", re.DOTALL)


def lookup(name: str) -> Lookup:
    """The function for one name. What a middleware has changed before is seen as changed.

    Raises OptionError for a name that does not exist.
    """
    found = _NAME.fullmatch(name)
    word, detail = (found[1], found[2]) if found is not None else (name, None)
    if detail is None and word in _WHOLE:
        return _WHOLE[word]
    if detail is not None and word in _PARTS:
        return _PARTS[word](detail)
    if detail is None and word in _PARTS:
        raise OptionError(f'"{name}" needs to say which', f'write "{word}:name"')
    raise OptionError(f'"{name}" is nothing a request has', f"use one of {', '.join(NAMES)}")


def claim(claims: object, path: str) -> Any:
    """A claim by name, or inside of others: ``realm_access.roles``. A name with dots in it comes first; else None."""
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    first, dot, rest = path.partition(".")
    return claim(claims.get(first), rest) if dot else None


def as_text(value: Any) -> str:
    """A claim as text: lists are joined by commas (one within an item is ``%2C``), what has more structure is JSON,
    nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ",".join([one.replace(",", "%2C") for one in value])
    return json.dumps(value, separators=(",", ":"))


def _fact(request: Request, name: str) -> Any:
    return request.facts.get(name) if request.facts is not None else None


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _header(name: str) -> Lookup:
    """The first value, as middlewares left it; Host without port and case."""
    wanted = name.lower().encode()
    if wanted == b"host":
        return lambda request: request.host
    return lambda request: request.headers.get(wanted) or b""


def _cookie(name: str) -> Lookup:
    """The first cookie of that name (case matters), in any of the Cookie fields."""
    found = re.compile(rb"(?:^|;)[ \t]*" + re.escape(name.encode()) + rb"=([^;]*)").search

    def cookie(request: Request) -> bytes:
        for value in request.headers.get_all(b"cookie"):
            match = found(value)
            if match is not None and (text := match[1].strip(b" \t")):
                return text
        return b""

    return cookie


def _query(name: str) -> Lookup:
    """The first parameter of that name, not decoded."""
    found = re.compile(rb"(?:^|&)" + re.escape(name.encode()) + rb"=([^&]*)").search

    def query(request: Request) -> bytes:
        match = found(request.query)
        return match[1] if match is not None else b""

    return query


def _capture(name: str) -> Lookup:
    return lambda request: (request.captures or {}).get(name, "").encode(errors="surrogateescape")


def _claim(name: str) -> Lookup:
    """What a jwt middleware found in the token."""
    return lambda request: _encoded(as_text(claim(_fact(request, "claims"), name)))


def _api_key(name: str) -> Lookup:
    """What an api-key middleware knows of the key."""
    return lambda request: _encoded(as_text((_fact(request, "api_key") or {}).get(name)))


def _identity(request: Request) -> bytes:
    """Who an authentication middleware says it is."""
    return _encoded(as_text(_fact(request, "identity")))


def _tls(name: str) -> Lookup:
    """What is known of the TLS connection; of the client's certificate only where it has been verified."""
    whose, dot, detail = name.partition(".")
    if whose == "client" and dot:
        return _of_client(detail)
    find = _OF_CONNECTION.get(name)
    if find is None:
        named = ", ".join(f"tls.{one}" for one in (*_OF_CONNECTION, "client.…"))
        raise OptionError(f'"tls.{name}" is nothing a request has', f"use one of {named}")
    return lambda request: _encoded(find(request.secured)) if request.secured is not None else b""


def _of_client(name: str) -> Lookup:
    if name == "identity":
        return lambda request: _encoded(request.secured.identity) if request.secured is not None else b""
    values = certificate_field(name)

    def of_client(request: Request) -> bytes:
        known = request.secured.known if request.secured is not None else None
        return _encoded(as_text(values(known))) if known is not None else b""

    return of_client


_OF_CONNECTION: Mapping[str, Callable[[Secured], str]] = MappingProxyType(
    {
        "version": lambda secured: secured.version,
        "cipher": lambda secured: secured.cipher,
        "server_name": lambda secured: secured.server_name,
        "alpn": lambda secured: secured.alpn,
    }
)
_WHOLE: Mapping[str, Lookup] = MappingProxyType(
    {
        "ip": lambda request: request.client_ip.encode(),
        "peer_ip": lambda request: request.peer_ip.encode(),
        "host": lambda request: request.host,
        "method": lambda request: request.method,
        "scheme": lambda request: request.scheme,
        "path": lambda request: request.path,
        "query": lambda request: request.query,
        "target": lambda request: request.target,
        "request_id": lambda request: request.id,
        "identity": _identity,
    }
)
_PARTS: Mapping[str, Callable[[str], Lookup]] = MappingProxyType(
    {
        "header": _header,
        "cookie": _cookie,
        "query": _query,
        "path": _capture,
        "claim": _claim,
        "api_key": _api_key,
        "tls": _tls,
    }
)
NAMES = (*_WHOLE, *(f"{word}:…" for word in _PARTS))
"""For messages."""
