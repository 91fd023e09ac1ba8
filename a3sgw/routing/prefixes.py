"""The routes of one host key, filed by path: exact paths in a dictionary, prefixes in a sorted list with parents."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Generic, TypeVar, cast

from a3sgw.http.message import Request
from a3sgw.routing.alternatives import Alternative
from a3sgw.rule.table import Predicate
from a3sgw.steps import Steps, exhaust

T = TypeVar("T")
Candidate = tuple[int, Predicate[Request] | None, T]
"""(rank, what remains to be asked, target); rank 0 is asked first, None means the keys have decided already."""

NOTHING = 1 << 62
"""The rank of no candidate: after all others."""

_CHUNK = 16
"""Candidates of a place and its parents are copied together up to this length, and linked beyond."""


class Place(Generic[T]):
    """A path or prefix with every candidate for it: its own and those of all shorter prefixes, best first.

    `chunks` are sorted tuples, to be merged by rank. Usually there is one; where parents have many candidates the
    places below share theirs, so that ten thousand prefixes below one parent do not copy it.
    """

    __slots__ = ("certain", "chunks", "parent", "prefix", "target")

    def __init__(self, prefix: bytes, parent: Place[T] | None, own: Sequence[Candidate[T]]) -> None:
        self.prefix = prefix
        # Every path starts with the empty prefix, so nobody goes beyond the root; itself would be a reference cycle.
        self.parent: Place[T] = cast("Place[T]", parent)
        self.chunks: tuple[tuple[Candidate[T], ...], ...] = _joined(own, () if parent is None else parent.chunks)
        self.certain = NOTHING
        """Rank of the best candidate if it needs no asking, else NOTHING; `target` is its target."""
        self.target: T | None = None
        if len(self.chunks) == 1 and self.chunks[0] and self.chunks[0][0][1] is None:
            self.certain, _, self.target = self.chunks[0][0]


class Group(Generic[T]):
    """All places of one host key; `beside` are the groups that apply to the same hosts, `rival` their best rank."""

    __slots__ = ("beside", "best", "exact", "places", "prefixes", "rival")

    def __init__(self, filed: Sequence[tuple[Alternative, Candidate[T]]], beside: tuple[Group[T], ...]) -> None:
        exhaust(self._build(filed, beside))

    @classmethod
    def steps(cls, filed: Sequence[tuple[Alternative, Candidate[T]]], beside: tuple[Group[T], ...]) -> Steps[Group[T]]:
        """Build in small steps."""
        group = cls.__new__(cls)
        yield from group._build(filed, beside)
        return group

    def _build(self, filed: Sequence[tuple[Alternative, Candidate[T]]], beside: tuple[Group[T], ...]) -> Steps[None]:
        by_prefix: dict[bytes, list[Candidate[T]]] = defaultdict(list)
        by_path: dict[bytes, list[Candidate[T]]] = defaultdict(list)
        for alternative, candidate in filed:
            key = alternative.path
            (by_path if key.kind == "exact" else by_prefix)[key.text].append(candidate)
        self.places: list[Place[T]] = [Place(b"", None, by_prefix.pop(b"", []))]
        for prefix in sorted(by_prefix):
            parent = self.places[-1]
            while not prefix.startswith(parent.prefix):
                parent = parent.parent
            self.places.append(Place(prefix, parent, by_prefix[prefix]))
            yield
        self.prefixes = [place.prefix for place in self.places]
        self.exact: dict[bytes, Place[T]] = {}
        exact: dict[bytes, Place[T]] = {}
        for path, own in by_path.items():
            exact[path] = Place(path, self.find(path), own)
            yield
        self.exact = exact
        self.best = min((candidate[0] for _, candidate in filed), default=NOTHING)
        self.beside = tuple(group for group in beside if group.best < NOTHING)
        self.rival = min((group.best for group in self.beside), default=NOTHING)

    def find(self, path: bytes) -> Place[T]:
        """The place of `path`: exact, or the longest prefix.

        The predecessor of `path` among the sorted prefixes lies between the longest prefix P and `path` itself, so
        it starts with P: P is the predecessor or one of its parents.
        """
        place = self.exact.get(path)
        if place is None:
            place = self.places[bisect_right(self.prefixes, path) - 1]
            while not path.startswith(place.prefix):
                place = place.parent
        return place


def _joined(
    own: Sequence[Candidate[T]], inherited: tuple[tuple[Candidate[T], ...], ...]
) -> tuple[tuple[Candidate[T], ...], ...]:
    """`own` before or among `inherited`, without chunks that can never be reached."""
    own = _reachable(sorted(own, key=_rank))
    if not own:
        return inherited
    if own[-1][1] is None:
        inherited = tuple(chunk for chunk in inherited if chunk[0][0] < own[-1][0])
    if not inherited:
        return (tuple(own),)
    first, *others = inherited
    if len(own) + len(first) > _CHUNK:
        return (tuple(own), *inherited)
    return (_reachable(sorted((*own, *first), key=_rank)), *others)


def _reachable(candidates: Sequence[Candidate[T]]) -> tuple[Candidate[T], ...]:
    """Sorted candidates up to the first that needs no asking."""
    for at, (_, residual, _) in enumerate(candidates):
        if residual is None:
            return tuple(candidates[: at + 1])
    return tuple(candidates)


_rank = itemgetter(0)
