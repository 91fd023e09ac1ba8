"""Keeps web pages away from the management API: the Host and Origin checks against DNS rebinding."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from a3sgw.web import Check, WebRequest, WebResponse, error_response


def guard(address: str) -> Check:
    """A check for a server bound to `address`.

    A page on evil.example may point its own name at 127.0.0.1; the browser then sends ``Host: evil.example``, which
    nobody who means a loopback address does. An address others can reach has names we do not know, so there only a
    foreign ``Origin`` is refused. Browsers cannot open unix sockets.
    """
    host = address.rpartition(":")[0].strip("[]")
    local_only = not address.startswith("unix:") and (not host or is_loopback(host))

    def check(request: WebRequest) -> WebResponse | None:
        hosts = request.get_all("host")
        if len(hosts) > 1:
            return error_response(400, "more than one Host header")
        if local_only and hosts and not is_loopback(_hostname(hosts[0])):
            return error_response(403, "this address answers only to loopback names")
        for origin in request.get_all("origin"):
            if not hosts or origin.partition("://")[2].lower() != hosts[0].lower():
                return error_response(403, "requests from other origins are refused")
        return None

    return check


def is_loopback(host: str) -> bool:
    """Whether `host` is ``localhost``, a name below it (RFC 6761 §6.3), 127.0.0.0/8 or ::1."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _hostname(authority: str) -> str:
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""
