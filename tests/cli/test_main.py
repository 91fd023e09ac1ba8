"""The commands together: what `validate` finds is what would keep the gateway from starting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from a3sgw.cli import main

TEXT = """\
entrypoints "web" { address = ":80" }
routers "one" {
  rule    = "Host(`a.example`) && PathPrefxi(`/v1`)"
  service = "s"
}
routers "two" {
  rule    = "Host(`a.example`"
  service = "s"
}
services "s" {
  load_balancer { servers { url = "http://127.0.0.1:1" } }
}
"""
LINE = TEXT.splitlines()[2]
FIRST = LINE.index("PathPrefxi") + 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.hcl"
    path.write_text(TEXT)
    return path


def test_text_points_into_the_rule(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The caret stands below the misspelt matcher, for every broken rule."""
    assert main(["validate", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{path}:3:{FIRST}: error: " in out
    assert f"  3 | {LINE}\n    | {' ' * (FIRST - 1)}{'^' * len('PathPrefxi')}\n  help: " in out
    assert f"{path}:7:" in out
    assert out.endswith(f"{path}: not valid (2 errors, 0 warnings)\n")


def test_json_points_into_the_rule(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns count from 1, the end points behind the last character."""
    assert main(["validate", "--config", str(path), "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is False
    first = document["diagnostics"][0]
    assert (first["line"], first["column"], first["end_column"]) == (3, FIRST, FIRST + len("PathPrefxi"))
    assert first["source"] == LINE


def test_sarif_points_into_the_rule(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As code hosts want it."""
    assert main(["validate", "--config", str(path), "--format", "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == path.as_uri()
    assert location["region"]["startLine"] == 3
    assert location["region"]["startColumn"] == FIRST
    assert location["region"]["endColumn"] == FIRST + len("PathPrefxi")


@pytest.mark.parametrize("format", ["text", "json", "sarif"])
def test_sound_ones_exit_with_0(path: Path, capsys: pytest.CaptureFixture[str], format: str) -> None:
    """In every format."""
    path.write_text(TEXT.replace("PathPrefxi", "PathPrefix").replace('example`"', 'example`)"'))
    assert main(["validate", "--config", str(path), "--format", format]) == 0
    out = capsys.readouterr().out
    assert "valid" in out if format == "text" else json.loads(out)


def test_ties_are_shown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rules of one priority that could both match: a warning, and 0."""
    rule = 'rule    = "Host(`a.example`)"'
    text = TEXT.replace('rule    = "Host(`a.example`) && PathPrefxi(`/v1`)"', rule)
    path.write_text(text.replace('rule    = "Host(`a.example`"', rule))
    assert main(["validate", "--config", str(path)]) == 0
    out = capsys.readouterr().out
    assert 'warning: "two" and "one" have the same priority' in out
    assert out.endswith("valid (0 errors, 1 warning)\n")
