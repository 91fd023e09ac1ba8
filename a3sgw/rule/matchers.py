"""The matchers of HTTP rules, with the semantics of Traefik 3.7.9 (rules/README.md says which in words)."""

from __future__ import annotations

from a3sgw.http.certificate_fields import Values, certificate_field
from a3sgw.http.message import Request
from a3sgw.options import OptionError
from a3sgw.rule.arguments import expression, host, host_expression, networks, path, refuse
from a3sgw.rule.ast import Match, encode
from a3sgw.rule.path_pattern import compile_path_pattern
from a3sgw.rule.query import query_values
from a3sgw.rule.table import Matcher, MatcherTable, Predicate

# Host and path...


def _host(match: Match) -> Predicate[Request]:
    wanted = host(match)
    if wanted == b"*":
        return lambda request: True
    if not wanted.startswith(b"*"):
        return lambda request: request.host == wanted
    suffix = wanted[1:]
    if not suffix.startswith(b"."):
        return lambda request: False  # "*x.example": `*` stands for a whole label, so nothing can be meant
    return lambda request: request.host.endswith(suffix) and request.host.find(b".") == len(request.host) - len(suffix)


def _host_regexp(match: Match) -> Predicate[Request]:
    search = host_expression(match).search
    return lambda request: search(request.host)


def _path(match: Match) -> Predicate[Request]:
    wanted = path(match)
    return lambda request: request.path == wanted


def _path_prefix(match: Match) -> Predicate[Request]:
    prefix = path(match)
    return lambda request: request.path.startswith(prefix)


def _path_regexp(match: Match) -> Predicate[Request]:
    search = expression(match, 0).search
    return lambda request: search(request.path)


def _path_pattern(match: Match) -> Predicate[Request]:
    matches = compile_path_pattern(match).matches
    return lambda request: matches(request.path)


# Method, headers, query, client...


def _method(match: Match) -> Predicate[Request]:
    wanted = encode(match.values[0].upper())
    return lambda request: request.method == wanted


def _header(match: Match) -> Predicate[Request]:
    name, value = encode(match.values[0].lower()), encode(match.values[1])
    return lambda request: value in request.sent_headers.get_all(name)


def _header_regexp(match: Match) -> Predicate[Request]:
    name, search = encode(match.values[0].lower()), expression(match, 1).search
    return lambda request: any(map(search, request.sent_headers.get_all(name)))


def _query(match: Match) -> Predicate[Request]:
    key, value = encode(match.values[0]), encode(match.values[1]) if len(match.values) > 1 else b""
    return lambda request: value in query_values(request.query, key)


def _query_regexp(match: Match) -> Predicate[Request]:
    if len(match.values) == 1:
        return _query(match)
    key, search = encode(match.values[0]), expression(match, 1).search
    return lambda request: any(map(search, query_values(request.query, key)))


def _client_ip(match: Match) -> Predicate[Request]:
    allowed = networks(match)
    return lambda request: request.peer_ip in allowed


# What the client has shown in the handshake...


def _client_cert(match: Match) -> Predicate[Request]:
    values, wanted = _certificate_field(match), match.values[1]

    def client_cert(request: Request) -> bool:
        known = request.secured.known if request.secured is not None else None
        return known is not None and wanted in values(known)

    return client_cert


def _client_cert_regexp(match: Match) -> Predicate[Request]:
    values, search = _certificate_field(match), expression(match, 1).search

    def client_cert_regexp(request: Request) -> bool:
        known = request.secured.known if request.secured is not None else None
        return known is not None and any(search(encode(value)) for value in values(known))

    return client_cert_regexp


def _certificate_field(match: Match) -> Values:
    try:
        return certificate_field(match.values[0])
    except OptionError as error:
        raise refuse(match, 0, f"{match.name}: {error}", f"{error.help[0].upper()}{error.help[1:]}.") from None


HTTP: MatcherTable[Request] = MatcherTable(
    [
        Matcher("Host", (1,), "Host(`example.com`)", _host),
        Matcher("HostRegexp", (1,), r"HostRegexp(`^[a-z]+\.example\.com$`)", _host_regexp),
        Matcher("Path", (1,), "Path(`/health`)", _path),
        Matcher("PathPrefix", (1,), "PathPrefix(`/v1/`)", _path_prefix),
        Matcher("PathRegexp", (1,), r"PathRegexp(`^/(css|js)/`)", _path_regexp),
        Matcher("PathPattern", (1,), "PathPattern(`/worlds/:world_id`)", _path_pattern),
        Matcher("Method", (1,), "Method(`GET`)", _method),
        Matcher("Header", (2,), "Header(`X-Version`, `2`)", _header),
        Matcher("HeaderRegexp", (2,), "HeaderRegexp(`Accept`, `json`)", _header_regexp),
        Matcher("Query", (1, 2), "Query(`key`, `value`)", _query),
        Matcher("QueryRegexp", (1, 2), "QueryRegexp(`key`, `^[0-9]+$`)", _query_regexp),
        Matcher("ClientIP", (1,), "ClientIP(`10.0.0.0/8`)", _client_ip),
        Matcher("ClientCert", (2,), "ClientCert(`subject.common_name`, `device-7`)", _client_cert),
        Matcher("ClientCertRegexp", (2,), r"ClientCertRegexp(`san`, `@example\.com$`)", _client_cert_regexp),
    ],
    aliases={"Headers": "Header", "HeadersRegexp": "HeaderRegexp"},
)
"""Every matcher of ``routers`` on HTTP entrypoints, by name."""
