"""Choosing among weighted candidates by a hash: each gives the key a score, the best one has it.

Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates" (1998), with the weights of Schindelhauer
and Schomaker (2005): a score is -share / ln(h), h between 0 and 1 from the hashes of key and candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import log
from typing import Generic, TypeVar

_MASK = 2**64 - 1
_UNIT = 2.0**-64
CandidateType = TypeVar("CandidateType")


def hashed(name: bytes) -> int:
    """64 bits that are the same in every process."""
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little")


class Rendezvous(Generic[CandidateType]):
    """Made from (candidate, share, hash) each. One that goes moves only its own keys."""

    def __init__(self, candidates: Sequence[tuple[CandidateType, float, int]]) -> None:
        self._candidates = tuple(candidate for candidate, _, _ in candidates)
        # h is key × odd number modulo 2**64 (Dietzfelbinger's multiplicative hashing), whose high bits are as good as
        # any; ln(h) / share is -1 / score and has its maximum at the same candidate.
        self._factors = [(number | 1, 1 / share) for _, share, number in candidates]

    def _scores(self, key: int) -> list[float]:
        return [log(((key * odd & _MASK) + 1) * _UNIT) * inverse for odd, inverse in self._factors]

    def best(self, key: int) -> CandidateType:
        """Whose `key` (64 bits) is; there has to be a candidate. O(n)."""
        scores = self._scores(key)
        return self._candidates[scores.index(max(scores))]

    def ranked(self, key: int) -> Iterator[CandidateType]:
        """Everyone, the best first: the second is who would have the key if the first were not there."""
        scores = self._scores(key)
        return (self._candidates[place] for place in sorted(range(len(scores)), key=scores.__getitem__, reverse=True))
