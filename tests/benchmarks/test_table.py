"""The tables."""

from __future__ import annotations

from benchmarks.profiles import PROFILES
from benchmarks.sample import Sample
from benchmarks.table import render


def test_load_table() -> None:
    """nginx is the reference; a product that costs twice as much has the ratio 0.50."""
    results = {
        "nginx": Sample(cpu=15.0, per_second=66_000, p50=0.9, p99=1.4, memory=12),
        "a3sgw": Sample(cpu=30.04, per_second=33_000.4, p50=1.8, p99=2.8, memory=60, errors=3),
    }
    assert render(PROFILES["header1"], results) == (
        "### header1: GET with Host as the only header, two bytes back\n"
        "\n"
        "| product | CPU µs/request | nginx ÷ product | requests/s | p50 ms | p99 ms | MB | errors |\n"
        "|---------|---------------:|----------------:|-----------:|-------:|-------:|---:|-------:|\n"
        "| nginx   |           15.0 |            1.00 |     66,000 |   0.90 |   1.40 | 12 |      0 |\n"
        "| a3sgw   |           30.0 |            0.50 |     33,000 |   1.80 |   2.80 | 60 |      3 |\n"
    )


def test_without_the_reference() -> None:
    """Without nginx there is no ratio, and the rest stays."""
    assert "|           30.0 |               – |" in render(PROFILES["header1"], {"a3sgw": Sample(cpu=30.0)})


def test_idle_table() -> None:
    """The idle table shows memory before, with the connections, and per connection."""
    text = render(PROFILES["idle10000"], {"a3sgw": Sample(memory=150.0, grown=100.0, connections=10_000)})
    assert "| a3sgw   |      10,000 |              50 → 150 |      100 |              10.0 |" in text


def test_reload_table() -> None:
    """The reload table shows how far p99 moved; a product that cannot tell how long it took has a dash."""
    text = render(PROFILES["reload10000"], {"nginx": Sample(p99=2.4, quiet_p99=2.0, per_second=1000)})
    assert "| nginx   |         2.00 |             2.40 |   +20% |        – |      1,000 |      0 |" in text


def test_workers_table() -> None:
    """Each number of workers is compared with the first of the same product; one worker has no spread."""
    results = {
        "a3sgw ×1": Sample(cpu=26.0, per_second=38_000),
        "a3sgw ×2": Sample(cpu=26.52, per_second=37_000, uneven=0.075),
        "other ×1": Sample(cpu=50.0),
    }
    one, two, other = render(PROFILES["workers"], results).splitlines()[4:7]
    assert "|           26.0 |        1.000 |     38,000 |" in one
    assert "|           26.5 |        1.020 |     37,000 |" in two
    assert "|              ±7.5% |" in two
    assert "|                  – |" in one
    assert "|           50.0 |        1.000 |" in other
