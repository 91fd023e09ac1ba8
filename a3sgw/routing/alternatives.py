"""What a rule asks of host and path, as keys an index can look up instead of asking every rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a3sgw.rule.arguments import host, path
from a3sgw.rule.ast import And, Match, Node, Not, Or
from a3sgw.rule.path_pattern import compile_path_pattern

MAX_PRODUCT = 64
"""So many combinations of alternatives are spelled out; beyond, a part of the rule is asked as a whole."""

MAX_ALTERNATIVES = 1000
"""A rule with more is filed under "any host, any path"."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """``exact`` example.com, ``wildcard`` example.com (one label before it), or ``any``."""

    kind: Literal["exact", "wildcard", "any"] = "any"
    name: bytes = b""


@dataclass(frozen=True, slots=True)
class PathKey:
    """``exact`` path or ``prefix``; the empty prefix is any path."""

    kind: Literal["exact", "prefix"] = "prefix"
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to satisfy a rule: both keys hold, and every node of `rest`, which the keys do not already decide."""

    host: HostKey = HostKey()
    path: PathKey = PathKey()
    rest: tuple[Node, ...] = ()


def alternatives(node: Node) -> list[Alternative]:
    """The ways to satisfy a rule; together they are the rule. Empty when it can never hold."""
    found = _expand(node)
    return found if len(found) <= MAX_ALTERNATIVES else [Alternative(rest=(node,))]


def _expand(node: Node) -> list[Alternative]:
    if isinstance(node, Match):
        return [_of_match(node)]
    if isinstance(node, Or) and _has_keys(node):
        return [found for child in node.children for found in _expand(child)]
    if isinstance(node, And):
        return _product(node)
    return [Alternative(rest=(node,))]


def _product(node: And) -> list[Alternative]:
    """Every combination of the children's alternatives; a child that would make too many is asked instead."""
    found = [Alternative()]
    for child in node.children:
        options = _expand(child)
        if len(found) * len(options) > max(MAX_PRODUCT, len(found), len(options)):
            options = [Alternative(rest=(child,))]
        found = [both for one in found for other in options if (both := _both(one, other)) is not None]
    return found


def _of_match(match: Match) -> Alternative:
    if match.name == "Host":
        name = host(match)
        if name == b"*":
            return Alternative()
        if name.startswith(b"*"):
            is_label = name.startswith(b"*.")
            return Alternative(HostKey("wildcard", name[2:])) if is_label else Alternative(rest=(match,))
        return Alternative(HostKey("exact", name))
    if match.name == "Path":
        return Alternative(path=PathKey("exact", path(match)))
    if match.name == "PathPrefix":
        return Alternative(path=PathKey("prefix", path(match)))
    if match.name == "PathPattern":
        return Alternative(path=PathKey("prefix", compile_path_pattern(match).literal), rest=(match,))
    return Alternative(rest=(match,))


def _has_keys(node: Node) -> bool:
    if isinstance(node, Match):
        return node.name in {"Host", "Path", "PathPrefix", "PathPattern"}
    return not isinstance(node, Not) and any(map(_has_keys, node.children))


# Both at once...


def _both(one: Alternative, other: Alternative) -> Alternative | None:
    """The alternative that satisfies both, None if nothing can."""
    host_key = both_hosts(one.host, other.host)
    path_key = both_paths(one.path, other.path)
    if host_key is None or path_key is None:
        return None
    return Alternative(host_key, path_key, one.rest + other.rest)


def both_hosts(one: HostKey, other: HostKey) -> HostKey | None:
    """The key of hosts that fit both."""
    if other.kind == "any" or one.kind == "any":
        return one if other.kind == "any" else other
    if one == other:
        return one
    if {one.kind, other.kind} == {"exact", "wildcard"}:
        exact, wildcard = (one, other) if one.kind == "exact" else (other, one)
        return exact if parent_domain(exact.name) == wildcard.name else None
    return None


def both_paths(one: PathKey, other: PathKey) -> PathKey | None:
    """The key of paths that fit both."""
    if one.kind == other.kind == "exact":
        return one if one == other else None
    if other.kind == "exact" or (one.kind == "prefix" and len(other.text) > len(one.text)):
        one, other = other, one
    return one if one.text.startswith(other.text) else None


def parent_domain(name: bytes) -> bytes:
    """A host without its first label."""
    return name.partition(b".")[2]
