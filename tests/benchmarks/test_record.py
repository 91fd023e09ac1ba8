"""Results as files."""

from __future__ import annotations

import json
import platform
from pathlib import Path

from benchmarks.profiles import PROFILES
from benchmarks.record import save
from benchmarks.sample import Sample

ROUNDS = {"header1": {"nginx": [Sample(cpu=10.0), Sample(cpu=20.0)], "a3sgw": []}}


def test_save(tmp_path: Path) -> None:
    """JSON keeps every round beside the medians, Markdown shows the table; neither names the host."""
    data, text = save({"header1": {"nginx": ROUNDS["header1"]["nginx"]}}, {"nginx": "1.22"}, {"rounds": 2}, tmp_path)
    content = json.loads(data.read_text())
    assert content["medians"]["header1"]["nginx"]["cpu"] == 15.0
    assert [sample["cpu"] for sample in content["rounds"]["header1"]["nginx"]] == [10.0, 20.0]
    assert content["versions"] == {"nginx": "1.22"}
    assert {"cpu", "cores", "kernel", "memory"} == set(content["machine"])
    assert "| nginx   |           15.0 |" in text.read_text()
    assert "- nginx: 1.22\n" in text.read_text()
    for file in (data, text):
        assert file.name.endswith(f"-header1{file.suffix}")
        assert platform.node() not in file.read_text() or not platform.node()


def test_a_product_without_samples_is_left_out(tmp_path: Path) -> None:
    """A product that did not start does not stop the others from being recorded."""
    data, _ = save(ROUNDS, {}, {}, tmp_path)
    assert set(json.loads(data.read_text())["medians"]["header1"]) == {"nginx"}


def test_all_profiles_have_one_name(tmp_path: Path) -> None:
    """A run of everything is called "all"."""
    rounds: dict[str, dict[str, list[Sample]]] = {name: {} for name in PROFILES}
    assert save(rounds, {}, {}, tmp_path)[0].name.endswith("-all.json")
