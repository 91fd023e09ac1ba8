"""Results as files: what was measured, with which versions, on what machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.profiles import PROFILES
from benchmarks.sample import Sample, middle
from benchmarks.table import render

RESULTS = Path(__file__).parent / "results"

Rounds = Mapping[str, Mapping[str, Sequence[Sample]]]
"""Samples by profile and product."""


def machine() -> dict[str, str]:
    """CPU model, cores, kernel and libc; nothing that names a host or a user."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cpu": cpu,
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GB",
        "kernel": platform.release().split("-")[0],
    }


def document(rounds: Rounds, versions: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": dict(versions),
        "settings": dict(settings),
        "medians": {
            profile: {product: asdict(middle(samples)) for product, samples in products.items() if samples}
            for profile, products in rounds.items()
        },
        "rounds": {
            profile: {product: [asdict(sample) for sample in samples] for product, samples in products.items()}
            for profile, products in rounds.items()
        },
    }


def page(rounds: Rounds, versions: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Everything as Markdown."""
    facts = [f"- {name}: {value}" for name, value in {**machine(), **versions, **settings}.items()]
    tables = [
        render(PROFILES[profile], {product: middle(samples) for product, samples in products.items() if samples})
        for profile, products in rounds.items()
    ]
    return "\n".join([f"# Benchmark of {datetime.now(UTC):%Y-%m-%d}", "", *facts, "", *tables])


def save(
    rounds: Rounds, versions: Mapping[str, str], settings: Mapping[str, Any], directory: Path = RESULTS
) -> tuple[Path, Path]:
    """Write ``<date>-<profiles>.json`` and ``.md``; a run of all profiles is called "all"."""
    names = "all" if set(rounds) == set(PROFILES) else "-".join(rounds)
    stem = directory / f"{datetime.now(UTC):%Y-%m-%d}-{names}"
    directory.mkdir(exist_ok=True)
    data, text = stem.with_suffix(".json"), stem.with_suffix(".md")
    data.write_text(json.dumps(document(rounds, versions, settings), indent=1) + "\n")
    text.write_text(page(rounds, versions, settings))
    return data, text
