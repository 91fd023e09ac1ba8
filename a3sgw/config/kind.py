"""Whether a router is about requests or about connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.router import Router

Kind = Literal["http", "tcp", "udp"]
TCP_ONLY = re.compile(r"\b(HostSNI|HostSNIRegexp|ALPN)\s*\(", re.IGNORECASE)
HTTP_ONLY = re.compile(
    r"\b(Host|HostRegexp|Path|PathPrefix|PathRegexp|PathPattern|Method|Headers?|Headers?Regexp|Query|QueryRegexp)\s*\(",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"`[^`]*`|\"(?:[^\"\\]|\\.)*\"")


def blanked(rule: str) -> str:
    """A rule with spaces in the place of its values."""
    return _QUOTED.sub(lambda match: " " * len(match.group()), rule)


def kind_on(entrypoint: Entrypoint, router: Router) -> Kind:
    """What the router is about on this entrypoint: one that speaks HTTP takes routers of TCP connections as well."""
    return "tcp" if entrypoint.protocol == "http" and about_connections(router) else entrypoint.protocol


def about_connections(router: Router) -> bool:
    """Whether a router can only be one of connections: by its matchers or, where they are known to both (ClientIP),
    because it passes TLS through."""
    through = router.tls is not None and router.tls.enabled and router.tls.passthrough
    return is_tcp(router.rule) or (through and HTTP_ONLY.search(blanked(router.rule)) is None)


def is_tcp(rule: str) -> bool:
    """Whether a rule can only be one about connections."""
    words = blanked(rule)
    return bool(TCP_ONLY.search(words)) and not HTTP_ONLY.search(words)


def serves(name: str, entrypoint: Entrypoint, router: Router) -> Kind | None:
    """The kind of router it is on this entrypoint; None when it is not for it. One that names no entrypoint is for all
    of its own protocol, and with `tls` those that end TLS."""
    if router.entrypoints:
        return kind_on(entrypoint, router) if name in router.entrypoints else None
    kind = kind_on(entrypoint, router)
    if kind != entrypoint.protocol or (entrypoint.tls is None and _needs_tls(router)):
        return None
    if kind == "udp":
        return kind if not router.rule.strip() else None
    return kind if router.rule.strip() and (kind == "tcp") == about_connections(router) else None


def _needs_tls(router: Router) -> bool:
    """Whether it has options for TLS that has to end here: elsewhere it would do without what they ask for."""
    return router.tls is not None and router.tls.enabled and not router.tls.passthrough


def kinds(entrypoints: Mapping[str, Entrypoint], router: Router) -> set[Kind]:
    """What it is about anywhere."""
    found = (serves(name, entrypoint, router) for name, entrypoint in entrypoints.items())
    return {kind for kind in found if kind is not None}
