"""The Host value: checked, and in the one spelling that rules compare with."""

from __future__ import annotations

import re
from functools import lru_cache

from a3sgw.errors import ClientError

# RFC 3986 §3.2.2 without userinfo; reg-name keeps to what DNS, containers and wildcards really use.
_HOST = re.compile(rb"(?:([A-Za-z0-9_.~!$&'()*+,;=%-]+)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")


@lru_cache(maxsize=4096)
def canonical_host(value: bytes) -> bytes:
    """Lower case, without port, brackets and trailing dot (semantics of Traefik's parseHost); ClientError 400 if
    malformed.

    >>> canonical_host(b"API.Example.com.:8080")
    b'api.example.com'
    """
    found = _HOST.fullmatch(value)
    if found is None:
        raise ClientError(400, "malformed Host")
    return (found[1] or found[2]).lower().removesuffix(b".")
