"""All rules of an entrypoint, filed by host and path: a request meets only the rules that could match it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import itemgetter
from typing import Generic, TypeVar

from a3sgw.http.message import Request
from a3sgw.routing.alternatives import Alternative, HostKey, alternatives, parent_domain
from a3sgw.routing.prefixes import NOTHING, Candidate, Group, Place
from a3sgw.rule.ast import Node, conjunction
from a3sgw.rule.compile import captures, compile_rule
from a3sgw.rule.table import Predicate
from a3sgw.steps import Steps, exhaust

T = TypeVar("T")

_FEW = 16
"""Up to so many candidates, sorting them all costs less than setting up a lazy merge."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A rule and what it leads to. Higher `priority` wins, then lower `order` (declaration order, unique)."""

    node: Node
    predicate: Predicate[Request]
    priority: int
    order: int
    target: T


class Index(Generic[T]):
    """Frozen once built; `match` costs the same with ten entries and with ten thousand.

    Every entry becomes candidates (rank, what remains to be asked or None, target) in the group of its host key, at
    the place of its path key. Ranks are positions in the order of preference, so "better" is a comparison of integers.
    """

    __slots__ = ("_any", "_hosts", "_wildcards")

    def __init__(self, entries: Iterable[Entry[T]]) -> None:
        exhaust(self._build(entries))

    @classmethod
    def steps(cls, entries: Iterable[Entry[T]]) -> Steps[Index[T]]:
        """Build in small steps: a reload of thousands of routes takes turns with the traffic."""
        index = cls.__new__(cls)
        yield from index._build(entries)
        return index

    def _build(self, entries: Iterable[Entry[T]]) -> Steps[None]:
        ranked = sorted(entries, key=lambda entry: (-entry.priority, entry.order))
        filed: dict[HostKey, list[tuple[Alternative, Candidate[T]]]] = defaultdict(list)
        for rank, entry in enumerate(ranked):
            residuals = _Residuals(entry)
            for alternative in alternatives(entry.node):
                filed[alternative.host].append((alternative, (rank, residuals.of(alternative), entry.target)))
            yield
        self._any: Group[T] = yield from Group.steps(filed.pop(HostKey(), []), ())
        self._wildcards: dict[bytes, Group[T]] = {}
        for key, found in filed.items():
            if key.kind == "wildcard":
                self._wildcards[key.name] = yield from Group.steps(found, (self._any,))
        self._hosts: dict[bytes, Group[T]] = {}
        for key, found in filed.items():
            if key.kind == "exact":
                self._hosts[key.name] = yield from Group.steps(found, self._beside(key.name))

    def dismantle(self) -> Steps[None]:
        """Free it in short steps; it must not be asked any more."""
        for groups in (self._hosts, self._wildcards, {b"": self._any}):
            while groups:
                _, group = groups.popitem()
                while group.places:
                    group.places.pop()
                    yield
                while group.exact:
                    group.exact.popitem()
                    yield
                yield

    def _beside(self, host: bytes) -> tuple[Group[T], ...]:
        wildcard = self._wildcards.get(parent_domain(host))
        return (self._any,) if wildcard is None else (wildcard, self._any)

    def match(self, request: Request) -> T | None:
        """The target of the best entry that `request` satisfies; its captures are set when the rule has any."""
        host = request.host
        group = self._hosts.get(host)
        if group is None:
            wildcard = self._wildcards.get(host.partition(b".")[2]) if self._wildcards else None
            group = self._any if wildcard is None else wildcard
        path = request.path
        # Group.find, written out: a call would cost a third of the whole match
        place = group.exact.get(path)
        if place is None:
            place = group.places[bisect_right(group.prefixes, path) - 1]
            while not path.startswith(place.prefix):
                place = place.parent
        if place.certain < group.rival:
            return place.target
        if group.rival == NOTHING and len(place.chunks) == 1:
            for _, residual, target in place.chunks[0]:
                if residual is None or residual(request):
                    return target
            return None
        return _contest(request, path, group, place)


def _contest(request: Request, path: bytes, group: Group[T], place: Place[T]) -> T | None:
    """Several sorted lists of candidates: ask in order of rank over all of them."""
    chunks = list(place.chunks)
    for rival in group.beside:
        chunks += rival.find(path).chunks
    count = sum(map(len, chunks))
    merged = chain.from_iterable(chunks)
    ordered: Iterable[Candidate[T]] = sorted(merged, key=_rank) if count <= _FEW else merge(*chunks, key=_rank)
    for _, residual, target in ordered:
        if residual is None or residual(request):
            return target
    return None


_rank = itemgetter(0)


class _Residuals:
    """What remains to be asked of one entry after its keys; alternatives that leave the same share the predicate."""

    def __init__(self, entry: Entry[T]) -> None:
        self._compiled: dict[tuple[Node, ...], Predicate[Request] | None] = {(): None, (entry.node,): entry.predicate}
        self._whole = entry.predicate if captures(entry.node) else None  # only the whole rule fills in captures

    def of(self, alternative: Alternative) -> Predicate[Request] | None:
        """None when the keys have decided."""
        if self._whole is not None:
            return self._whole
        if alternative.rest not in self._compiled:
            self._compiled[alternative.rest] = compile_rule(conjunction(alternative.rest))
        return self._compiled[alternative.rest]
