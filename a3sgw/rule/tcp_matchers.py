"""The matchers of TCP rules: what is known of a connection before its first byte is answered."""

from __future__ import annotations

from typing import Protocol

from a3sgw.rule.arguments import host, host_expression, networks, refuse
from a3sgw.rule.ast import Match
from a3sgw.rule.table import Matcher, MatcherTable, Predicate

ACME_PROTOCOL = "acme-tls/1"
"""RFC 8737: answered by the gateway itself, so no rule may claim it."""


class Connection(Protocol):
    """What TCP rules look at: `sni` as sent (``""`` without TLS or name), `alpn` as offered, and the peer's address."""

    @property
    def sni(self) -> str: ...
    @property
    def alpn(self) -> tuple[str, ...]: ...
    @property
    def peer_ip(self) -> str: ...


def _host_sni(match: Match) -> Predicate[Connection]:
    wanted = host(match).decode()
    if wanted == "*":
        return lambda connection: True
    if not wanted.startswith("*."):
        return lambda connection: _canonical(connection.sni) == wanted
    suffix = wanted[2:]
    return lambda connection: _canonical(connection.sni).partition(".")[2] == suffix


def _host_sni_regexp(match: Match) -> Predicate[Connection]:
    search = host_expression(match).search
    return lambda connection: search(connection.sni.encode(errors="replace"))


def _alpn(match: Match) -> Predicate[Connection]:
    protocol = match.values[0]
    if protocol == ACME_PROTOCOL:
        help = "The gateway answers this protocol itself when it obtains certificates."
        raise refuse(match, 0, f"ALPN value {ACME_PROTOCOL} is reserved", help)
    return lambda connection: protocol in connection.alpn


def _client_ip(match: Match) -> Predicate[Connection]:
    allowed = networks(match)
    return lambda connection: connection.peer_ip in allowed


def _canonical(name: str) -> str:
    return name.lower().removesuffix(".")


TCP: MatcherTable[Connection] = MatcherTable(
    [
        Matcher("HostSNI", (1,), "HostSNI(`example.com`)", _host_sni),
        Matcher("HostSNIRegexp", (1,), r"HostSNIRegexp(`^[a-z]+\.example\.com$`)", _host_sni_regexp),
        Matcher("ALPN", (1,), "ALPN(`h2`)", _alpn),
        Matcher("ClientIP", (1,), "ClientIP(`10.0.0.0/8`)", _client_ip),
    ]
)
"""Every matcher of ``routers`` on TCP entrypoints, by name."""
