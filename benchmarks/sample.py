"""One measurement and the median of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median


@dataclass(frozen=True)
class Sample:
    """What one product did in one round of one profile. None: not measured by this kind of profile."""

    cpu: float | None = None
    """CPU time of the product in µs per request."""
    per_second: float | None = None
    p50: float | None = None
    """Milliseconds."""
    p99: float | None = None
    """Milliseconds."""
    memory: float | None = None
    """MB of the product after the round."""
    errors: int = 0
    """Socket errors and answers of 400 and above."""
    grown: float | None = None
    """idle: MB that the idle connections added."""
    connections: int | None = None
    """idle: connections that were held."""
    quiet_p99: float | None = None
    """reload: p99 in milliseconds of the same load without a reload."""
    reload_seconds: float | None = None
    """reload: from asking for it until it took effect."""
    uneven: float | None = None
    """workers: how far the share of connections of any worker is from an equal one, as a part of that."""


def unevenness(counts: Sequence[int]) -> float:
    """The largest distance from the mean, as a part of it: 0.1 when 220 and 180 share 400. Raises `ValueError` without
    counts."""
    mean = sum(counts) / len(counts) if counts else 0
    if not mean:
        raise ValueError("no counts")
    return max(abs(count - mean) for count in counts) / mean


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each figure, errors added up. Raises `ValueError` without samples."""
    if not samples:
        raise ValueError("no samples")
    figures: dict[str, float | None] = {}
    for each in fields(Sample):
        values = [value for sample in samples if (value := getattr(sample, each.name)) is not None]
        figures[each.name] = median(values) if values else None
    figures["errors"] = sum(sample.errors for sample in samples)
    return Sample(**figures)  # type: ignore[arg-type] # the names are those of the fields
