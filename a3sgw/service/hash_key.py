"""From `hash_on` to the bytes of a request that hashing strategies go by."""

from __future__ import annotations

from a3sgw.balancers.base import Key, client_ip
from a3sgw.http.lookup import lookup
from a3sgw.http.message import Request


def hash_key(hash_on: str) -> Key:
    """The function for ``ip`` (or empty), or for any other name of `lookup`, such as ``header:X`` or ``claim:X``.

    A request that lacks it, or has it empty, goes by its client's address: all of them at one endpoint would be worse.
    Raises ValueError for anything else.
    """
    if hash_on in ("", "ip"):
        return client_ip
    found = lookup(hash_on)

    def key(request: Request) -> bytes:
        return found(request) or client_ip(request)

    return key
