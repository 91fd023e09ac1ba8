"""Rules that are right and yet rarely meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from a3sgw.rule.ast import Match, Node, matches


class Warning(NamedTuple):
    """One finding: `summary` in one line, place in characters of the rule, `help` in one sentence."""

    summary: str
    offset: int
    length: int
    help: str


def lint(node: Node) -> list[Warning]:
    """Everything in a rule that its author may not expect, in the order written."""
    return [found for match in matches(node) if match.name in _CHECKS for found in _CHECKS[match.name](match)]


def _at(match: Match, summary: str, help: str) -> list[Warning]:
    place = match.places[0] if match.places else (match.offset, match.length)
    return [Warning(summary, *place, help)]


def _host(match: Match) -> list[Warning]:
    host = match.values[0]
    if "*" in host.removeprefix("*.") and host != "*":
        return _at(match, f"Host(`{host}`) never matches", "A * stands for the whole first label, as in *.example.com.")
    if set(host) & set("/[]@ ") or (host.count(":") == 1):
        return _at(match, f"Host(`{host}`) never matches", "Write the name alone: no scheme, port, brackets or path.")
    return []


def _path_prefix(match: Match) -> list[Warning]:
    prefix = match.values[0]
    if prefix.endswith("/"):
        return []
    help = f"To stop at the segment, write Path(`{prefix}`) || PathPrefix(`{prefix}/`)."
    return _at(match, f"PathPrefix(`{prefix}`) also matches {prefix}-other", help)


def _host_regexp(match: Match) -> list[Warning]:
    missing = [] if _starts(match.values[0]) else ["^"]
    missing += [] if match.values[0].endswith(("$", r"\z")) else ["$"]
    help = f"Anchor it with {' and '.join(missing)} to compare the whole host."
    return _at(match, "HostRegexp also matches inside longer hosts", help) if missing else []


def _path_regexp(match: Match) -> list[Warning]:
    if _starts(match.values[0]):
        return []
    return _at(match, "PathRegexp also matches in the middle of a path", "Begin it with ^ to match from the start.")


def _query(match: Match) -> list[Warning]:
    if len(match.values) > 1:
        return []
    key = match.values[0]
    help = f"To ask whether it is there, write QueryRegexp(`{key}`, `.*`)."
    return _at(match, f"{match.name}(`{key}`) only matches an empty {key}", help)


def _starts(expression: str) -> bool:
    return expression.removeprefix("(?i)").startswith(("^", r"\A"))


_CHECKS: dict[str, Callable[[Match], list[Warning]]] = {
    "Host": _host,
    "HostRegexp": _host_regexp,
    "PathPrefix": _path_prefix,
    "PathRegexp": _path_regexp,
    "Query": _query,
    "QueryRegexp": _query,
}
