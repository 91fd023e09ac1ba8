"""Results as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.profiles import Profile
from benchmarks.sample import Sample

REFERENCE = "nginx"

_LOAD = ("product", "CPU µs/request", "nginx ÷ product", "requests/s", "p50 ms", "p99 ms", "MB", "errors")
_IDLE = ("product", "connections", "MB before → with them", "MB added", "KB per connection")
_RELOAD = ("product", "p99 ms quiet", "p99 ms reloading", "change", "reload s", "requests/s", "errors")

_WORKERS = (
    "product × workers",
    "CPU µs/request",
    "÷ one worker",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "MB",
    "most uneven of 400",
    "errors",
)


def render(profile: Profile, results: Mapping[str, Sample]) -> str:
    """A Markdown table of one profile's medians, by product; readable as plain text, too."""
    rows = {"load": _load, "idle": _idle, "reload": _reload, "workers": _workers, "tcp": _load, "udp": _load}[
        profile.kind
    ](results)
    heads = {"load": _LOAD, "idle": _IDLE, "reload": _RELOAD, "workers": _WORKERS, "tcp": _LOAD, "udp": _LOAD}[
        profile.kind
    ]
    return f"### {profile.name}: {profile.about}\n\n{_table(heads, rows)}\n"


def _load(results: Mapping[str, Sample]) -> list[tuple[str, ...]]:
    reference = results[REFERENCE].cpu if REFERENCE in results else None
    return [
        (
            name,
            _number(sample.cpu, 1),
            _number(reference / sample.cpu if reference and sample.cpu else None, 2),
            _number(sample.per_second, 0),
            _number(sample.p50, 2),
            _number(sample.p99, 2),
            _number(sample.memory, 0),
            str(sample.errors),
        )
        for name, sample in results.items()
    ]


def _idle(results: Mapping[str, Sample]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, sample in results.items():
        memory, grown, count = sample.memory or 0.0, sample.grown or 0.0, sample.connections or 1
        before = f"{memory - grown:.0f} → {memory:.0f}"
        rows.append((name, f"{count:,}", before, _number(grown, 0), _number(grown * 1000 / count, 1)))
    return rows


def _reload(results: Mapping[str, Sample]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, sample in results.items():
        change = f"{sample.p99 / sample.quiet_p99 - 1:+.0%}" if sample.p99 and sample.quiet_p99 else "–"
        rows.append(
            (
                name,
                _number(sample.quiet_p99, 2),
                _number(sample.p99, 2),
                change,
                _number(sample.reload_seconds, 1),
                _number(sample.per_second, 0),
                str(sample.errors),
            )
        )
    return rows


def _workers(results: Mapping[str, Sample]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    first: dict[str, float] = {}
    for name, sample in results.items():
        one = first.setdefault(name.partition(" ×")[0], sample.cpu or 0.0)
        rows.append(
            (
                name,
                _number(sample.cpu, 1),
                _number(sample.cpu / one if one and sample.cpu else None, 3),
                _number(sample.per_second, 0),
                _number(sample.p50, 2),
                _number(sample.p99, 2),
                _number(sample.memory, 0),
                "–" if sample.uneven is None else f"±{sample.uneven:.1%}",
                str(sample.errors),
            )
        )
    return rows


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join([first, *rest])} |"

    rule = f"|{'-' * (widths[0] + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths[1:])}|"
    return "\n".join([line(heads), rule, *(line(row) for row in rows)])
