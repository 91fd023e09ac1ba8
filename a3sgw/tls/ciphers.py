"""What OpenSSL makes of a list of TLS 1.2 cipher suites: it leaves out silently what it does not know."""

from __future__ import annotations

import re
import ssl
from functools import lru_cache

_SEPARATORS = re.compile(r"[:;, ]+")
_EPHEMERAL = ("kx-ecdhe", "kx-dhe")


@lru_cache(maxsize=64)
def unknown(suites: tuple[str, ...]) -> tuple[str, ...]:
    """Those that OpenSSL does not know, or not any more; words such as ``HIGH`` and ``!aNULL`` it does know."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return tuple(part for suite in suites for part in _SEPARATORS.split(suite) if not _is_known(part, context))


@lru_cache(maxsize=64)
def weak(suites: tuple[str, ...]) -> tuple[str, ...]:
    """The names of those that are in effect without forward secrecy, authenticated encryption or an authenticated
    server; nothing for a list that OpenSSL refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(":".join(suites))
    except ssl.SSLError:
        return ()
    found = []
    for one in context.get_ciphers():
        about = dict(one)
        sound = about["aead"] and about["kea"] in _EPHEMERAL and about["auth"] != "auth-null"
        if about["protocol"] != "TLSv1.3" and not sound:
            found.append(str(about["name"]))
    return tuple(found)


def lowered(suites: tuple[str, ...]) -> bool:
    """Whether the list makes OpenSSL take keys that it would refuse by itself: what is below level 1."""
    return any("@SECLEVEL=0" in suite for suite in suites)


def _is_known(part: str, context: ssl.SSLContext) -> bool:
    name = part.lstrip("!-+").partition("@")[0]
    try:
        context.set_ciphers(name or "ALL")
    except ssl.SSLError:
        return False
    return True
