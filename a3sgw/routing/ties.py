"""Entries of equal priority that one request could satisfy both: only their order decides, so `validate` names them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from a3sgw.routing.alternatives import Alternative, HostKey, PathKey, alternatives, parent_domain
from a3sgw.routing.index import Entry
from a3sgw.rule.ast import Match, Node, Not

T = TypeVar("T")
_Filed = tuple[int, Alternative]


def ties(entries: Iterable[Entry[T]], limit: int = 1000) -> list[tuple[int, int]]:
    """Pairs of `order`, smaller first, sorted; at most `limit` of them.

    Conservative: entries tie when their hosts and paths overlap, unless they ask for different methods or one negates
    what the other asks. Costs what it finds, not the square of the entries.
    """
    by_priority: dict[int, list[Entry[T]]] = defaultdict(list)
    for entry in entries:
        by_priority[entry.priority].append(entry)
    found: set[tuple[int, int]] = set()
    for equal in by_priority.values():
        for pair in _pairs(equal) if len(equal) > 1 else ():
            found.add(pair)
            if len(found) >= limit:
                return sorted(found)
    return sorted(found)


def _pairs(entries: list[Entry[T]]) -> Iterator[tuple[int, int]]:
    filed = [(entry.order, alternative) for entry in entries for alternative in alternatives(entry.node)]
    filed.sort(key=lambda item: (len(item[1].path.text), item[1].path.kind == "exact"))  # shorter overlap longer
    shelves: dict[tuple[str, bytes], _Shelf] = defaultdict(_Shelf)
    for order, alternative in filed:
        for key in _overlapping(alternative.host):
            if key in shelves:
                for other_order, other in shelves[key].overlapping(alternative.path):
                    if other_order != order and _compatible(alternative, other):
                        yield min(order, other_order), max(order, other_order)
        for key in _memberships(alternative.host):
            shelves[key].put(order, alternative)


class _Shelf:
    """Alternatives whose hosts overlap, by path; only shorter or equal paths have been put when one is looked up."""

    def __init__(self) -> None:
        self._prefixes: dict[bytes, list[_Filed]] = defaultdict(list)
        self._paths: dict[bytes, list[_Filed]] = defaultdict(list)

    def put(self, order: int, alternative: Alternative) -> None:
        shelf = self._paths if alternative.path.kind == "exact" else self._prefixes
        shelf[alternative.path.text].append((order, alternative))

    def overlapping(self, path: PathKey) -> Iterator[_Filed]:
        for length in range(len(path.text) + 1):
            yield from self._prefixes.get(path.text[:length], ())
        if path.kind == "exact":
            yield from self._paths.get(path.text, ())


def _memberships(host: HostKey) -> list[tuple[str, bytes]]:
    """The shelves an alternative stands on."""
    if host.kind == "exact":
        return [("exact", host.name), ("below", parent_domain(host.name)), ("all", b"")]
    return [(host.kind, host.name), ("all", b"")]


def _overlapping(host: HostKey) -> list[tuple[str, bytes]]:
    """The shelves whose hosts overlap `host`, no host on two of them."""
    if host.kind == "exact":
        return [("exact", host.name), ("wildcard", parent_domain(host.name)), ("any", b"")]
    if host.kind == "wildcard":
        return [("wildcard", host.name), ("below", host.name), ("any", b"")]
    return [("all", b"")]


def _compatible(one: Alternative, other: Alternative) -> bool:
    """False when what remains to be asked of the two cannot hold together."""
    methods = [{_method(node) for node in alternative.rest} - {None} for alternative in (one, other)]
    if all(methods) and not methods[0] & methods[1]:
        return False
    return not _negates(one.rest, other.rest) and not _negates(other.rest, one.rest)


def _method(node: Node) -> str | None:
    return node.values[0].upper() if isinstance(node, Match) and node.name == "Method" else None


def _negates(rest: tuple[Node, ...], other: tuple[Node, ...]) -> bool:
    return any(isinstance(node, Not) and node.child in other for node in rest)
